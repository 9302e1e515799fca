import pytest
import torch

from baad.learn.errors_by_picture import image_error, squared_error
from baad.learn.mtrs import fold, unfold


def draw(*shape: int, seed: int, kind: torch.dtype = torch.float32) -> torch.Tensor:
    drawn = torch.rand(*shape, generator=torch.Generator().manual_seed(seed)).to(kind)
    return drawn.contiguous(memory_format=torch.channels_last)


def with_gradient(error, rebuilt, clean):
    """What an error gives for each pixel, and the gradient of its weighted sum."""
    rebuilt = rebuilt.clone().requires_grad_()
    found = error(rebuilt, clean)
    (found * draw(*found.shape, seed=2)).sum().backward()
    return found.detach(), rebuilt.grad


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_errors_of_features_and_their_gradients_are_those_of_the_plain_expression(kind):
    rebuilt, clean = draw(3, 128, 16, 24, seed=0, kind=kind), draw(3, 128, 16, 24, seed=1, kind=kind)
    plain = with_gradient(lambda a, b: ((a.float() - b.float()) ** 2).mean(1, keepdim=True), rebuilt, clean)
    for ours, wanted in zip(with_gradient(squared_error, rebuilt, clean), plain):
        assert torch.equal(ours, wanted) and ours.any()


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_errors_of_pictures_and_their_gradients_are_those_of_the_plain_expression(kind):
    picture, clean = fold(draw(3, 3, 64, 96, seed=0)).to(kind), draw(3, 3, 64, 96, seed=1)

    def plain(picture, clean):
        error = unfold(picture.float()) - clean
        return (3.0 * error**2 + error.abs()).mean(1, keepdim=True)

    for ours, wanted in zip(with_gradient(image_error, picture, clean), with_gradient(plain, picture, clean)):
        assert torch.equal(ours, wanted) and ours.any()
