"""A network in ONNX Runtime, on the processor or on a graphics card."""

from collections.abc import Sequence

import numpy as np
import onnxruntime

from baad.errors import BundleError, MissingExtra, first_line

SETTINGS = {"CUDAExecutionProvider": {"use_tf32": "0"}}  # else it rounds factors to 10 bits, and scores differ
FATAL_ONLY = 4  # ONNX Runtime's severity scale; what it has to say comes as an exception


class OnnxNetwork:
    """Runs an ONNX graph. May be shared between threads."""

    def __init__(
        self, onnx: bytes, threads: int, provider: str = "CPUExecutionProvider", cores: Sequence[int] = ()
    ) -> None:
        """`provider`: ONNX Runtime's name. `cores`: one for each thread; all but the caller's are tied to theirs.

        Raises MissingExtra where the provider is absent, BundleError for a broken graph.
        """
        if provider not in onnxruntime.get_available_providers():
            raise MissingExtra(
                f"This ONNX Runtime has no {provider}. Install the build that has in its place, with: "
                "pip uninstall onnxruntime; pip install onnxruntime-gpu. Or choose 'cpu'."
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = FATAL_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the cores alone
        if threads > 1 and len(cores) == threads:  # counted from 1; the caller is not tied
            tied = ";".join(str(core + 1) for core in cores[1:])
            options.add_session_config_entry("session.intra_op_thread_affinities", tied)
        try:
            self._session = onnxruntime.InferenceSession(onnx, options, [provider], [SETTINGS.get(provider, {})])
        except Exception as error:  # ONNX Runtime's exceptions have no common base but this one
            raise BundleError(
                f"The network in the model file does not load: {first_line(error)} This is ONNX Runtime "
                f"{onnxruntime.__version__}: pip install --upgrade onnxruntime, or train the model again."
            ) from error
        if self._session.get_providers()[0] != provider:
            raise MissingExtra(
                f"ONNX Runtime could not start {provider} and fell back. Check its driver, or use 'cpu'."
            )
        self.inputs = {value.name: (value.type, len(value.shape)) for value in self._session.get_inputs()}
        self.outputs = {value.name: (value.type, len(value.shape)) for value in self._session.get_outputs()}
        self.batches = not any(isinstance(value.shape[0], int) for value in self._session.get_inputs())

    def run(self, outputs: Sequence[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        """The named outputs for arrays by input name."""
        return self._session.run(list(outputs), inputs)
