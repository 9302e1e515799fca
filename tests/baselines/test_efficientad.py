import numpy as np
import pytest
import torch

from baad.baselines.baseline import Normals
from baad.baselines.efficientad import (
    Autoencoder,
    EfficientAD,
    Views,
    draw_views,
    feature_scale,
    hard_feature_loss,
    jitter,
    new_student,
    scale_map,
)
from baad.learn.blocks import count_parameters
from baad.learn.pdn import new_pdn
from baad.learn.pictures import to_images
from baad.progress import Silence
from baad.settings import TrainSettings
from baad.synthesis.banks import make_banks
from tests.baselines.pictures import draw_discs

SETTINGS = TrainSettings(size="tiny", image_size=64, batch_size=4, steps=3, threads=1)


@pytest.fixture(scope="module")
def fitted():
    torch.set_num_threads(1)
    normals = Normals(draw_discs(4)[0], draw_discs(3, seed=1)[0])
    detector = EfficientAD(new_pdn("tiny", 0), SETTINGS)
    return detector, normals, detector.fit(normals, Silence())


def test_the_hard_feature_loss_is_the_mean_over_the_worst_thousandth():
    wanted = torch.zeros(1, 2, 25, 40)  # 2,000 values, so the worst two count
    given = wanted.clone()
    given[0, 0, 0, :3] = torch.tensor([1.0, 2.0, 3.0])
    assert hard_feature_loss(given, wanted).item() == (4.0 + 9.0) / 2


def test_the_two_quantiles_become_0_and_a_tenth():
    assert scale_map(torch.tensor([2.0, 6.0, 4.0]), 2.0, 6.0).tolist() == pytest.approx([0.0, 0.1, 0.05])


def test_maps_are_scaled_by_the_quantiles_of_the_held_out_pictures(fitted):
    detector, normals, _ = fitted
    for index in range(2):
        values = np.concatenate([detector.maps(to_images(each[None]))[index].ravel() for each in normals.held_out])
        scaled = scale_map(torch.from_numpy(values), *detector._scales[index]).numpy()
        assert (scaled > 0).mean() == pytest.approx(1 - 0.9, abs=0.002)  # as the paper has them
        assert (scaled > 0.1).mean() == pytest.approx(1 - 0.995, abs=0.002)


def test_errors_are_means_over_the_channels_of_either_half_of_the_student():
    detector = EfficientAD(lambda images: torch.full((1, 2, 4, 4), 5.0), SETTINGS)
    detector._mean, detector._std = torch.full((1, 2, 1, 1), 1.0), torch.full((1, 2, 1, 1), 2.0)  # teacher gives 2
    detector.student = lambda images: torch.cat([torch.full((1, 2, 4, 4), 5.0), torch.full((1, 2, 4, 4), 3.0)], 1)
    detector.autoencoder = lambda images, grid: torch.full((1, 2, 4, 4), 7.0)
    against_teacher, against_autoencoder = detector.maps(torch.zeros(1, 3, 16, 16))
    assert (against_teacher == (2 - 5) ** 2).all() and (against_autoencoder == (7 - 3) ** 2).all()


def test_the_students_batch_norms_see_the_three_views_together():
    detector, seen = EfficientAD(lambda images: torch.zeros(len(images), 2, 4, 4), SETTINGS), []
    detector._mean, detector._std = torch.zeros(1, 2, 1, 1), torch.ones(1, 2, 1, 1)
    detector.student = lambda images: seen.append(images.flatten(1).mean(1)) or torch.zeros(len(images), 4, 4, 4)
    detector.autoencoder = lambda images, grid: torch.zeros(len(images), 2, 4, 4)
    detector._loss(Views(*(torch.full((2, 3, 16, 16), level) for level in (0.1, 0.2, 0.3))))
    assert [each.tolist() for each in seen] == [pytest.approx([0.1, 0.1, 0.2, 0.2, 0.3, 0.3])]


def test_the_loss_is_the_papers():
    kept = [torch.tensor(value, requires_grad=True) for value in (0.0, 2.0, 4.0, 3.0)]
    taught, first, second, coded = kept

    def features(images, *channels):
        return torch.cat([images[:, :1, ::4, ::4] + each for each in channels], dim=1)

    detector = EfficientAD(lambda images: 2.0 * features(images, taught, taught + 1.0) + 1.0, SETTINGS)
    detector._mean, detector._std = torch.full((1, 2, 1, 1), 1.0), torch.full((1, 2, 1, 1), 2.0)
    detector.student = lambda images: features(images, first, first, second, second)
    detector.autoencoder = lambda images, grid: features(images, coded, coded)
    loss = detector._loss(
        Views(*(torch.full((count, 3, 16, 16), level) for count, level in ((2, 1.0), (2, 2.0), (1, 3.0))))
    )
    hard = (3 - 1) ** 2  # normal pictures: the teacher gives 1 and 2, the first half 3; of 64 values the worst counts
    elsewhere = 5**2  # the first half for the other picture
    rebuilding = ((5 - 2) ** 2 + (5 - 3) ** 2) / 2  # jittered pictures: the teacher gives 2 and 3, the autoencoder 5
    following = (6 - 5) ** 2  # and the second half 6
    assert loss.item() == pytest.approx(hard + elsewhere + rebuilding + following)
    loss.backward()
    wanted = [2 * 2 + 2 * 5, 2 * 1, (2 * 3 + 2 * 2) / 2 - 2 * 1]  # the autoencoder learns from the second half, too
    assert taught.grad is None and [each.grad.item() for each in kept[1:]] == pytest.approx(wanted)


def test_the_score_is_the_maximum_of_the_mean_of_the_two_scaled_maps():
    detector = EfficientAD(None, SETTINGS)
    detector._shape, detector._scales, detector._offset = (16, 16), [(1.0, 3.0), (2.0, 10.0)], (0.0, 0.0)
    detector.maps = lambda images: (torch.full((1, 1, 4, 4), 3.0), torch.full((1, 1, 4, 4), 18.0))  # scaled: .1 and .2
    maps = detector.score(np.zeros((32, 32, 3), np.uint8))
    assert maps.anomaly == pytest.approx(np.full((16, 16), 0.15)) and maps.score == pytest.approx(0.15)


def test_each_channel_of_the_teacher_is_scaled_by_itself():
    pictures = draw_discs(3)[0]
    teacher = new_pdn("tiny", 0)
    mean, std = feature_scale(teacher, pictures)
    with torch.no_grad():
        scaled = (teacher(to_images(pictures)) - mean) / std
    assert torch.allclose(scaled.mean((0, 2, 3)), torch.zeros(scaled.shape[1]), atol=1e-3)
    assert torch.allclose(scaled.std((0, 2, 3)), torch.ones(scaled.shape[1]), atol=1e-2)


def test_the_student_has_twice_the_channels_and_the_autoencoder_sees_one_vector_a_picture():
    images = torch.rand(2, 3, 64, 96)
    assert new_student(new_pdn("tiny", 0))(images).shape == (2, 2 * 128, 16, 24)
    autoencoder = Autoencoder(96, (2, 3)).eval()
    assert autoencoder.encoder(images).shape == (2, 64, 1, 1)
    assert autoencoder(images, (16, 24)).shape == (2, 96, 16, 24)


def test_the_encoder_sees_pictures_normalised_by_imagenets_mean_and_deviation():
    autoencoder, seen = Autoencoder(2, (2, 2)), []
    autoencoder.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    colour = torch.tensor([0.485 + 0.229, 0.456, 0.406 - 0.225])
    autoencoder(colour[:, None, None].expand(1, 3, 64, 64), (16, 16))
    assert seen[0].shape == (1, 3, 64, 64)
    assert torch.allclose(seen[0], torch.tensor([1.0, 0.0, -1.0])[:, None, None].expand(1, 3, 64, 64), atol=1e-5)


def test_the_student_sees_as_far_as_its_teacher():
    settings = TrainSettings(image_size=64, batch_size=2, steps=1, threads=1)
    normals = Normals(draw_discs(2)[0], draw_discs(1, seed=1)[0])
    for teacher in (new_pdn("fast", 0), new_pdn("fast_near", 0)):
        detector = EfficientAD(teacher, settings)
        told = detector.fit(normals, Silence())
        assert detector.student.scales == teacher.scales
        assert told.parameters == sum(map(count_parameters, (teacher, detector.student, detector.autoencoder)))


def test_light_changes_brightness_contrast_or_saturation():
    grey = torch.tensor([0.2, 0.4]).expand(3, 1, 2)
    assert torch.allclose(jitter(grey, 0, 1.2), grey * 1.2)
    assert torch.allclose(jitter(grey, 1, 0.8)[0, 0], torch.tensor([0.22, 0.38]))
    assert torch.allclose(jitter(grey, 2, 0.8), grey, atol=1e-6)  # what is grey has no saturation


def test_views_are_pictures_of_the_product_and_one_of_something_else():
    pictures = draw_discs(4)[0]
    views = draw_views(pictures, make_banks(np.random.default_rng(0), noises=1, patterns=4, scenes=2), SETTINGS, 0)
    known = {picture.tobytes() for picture in pictures}
    drawn = (views.normal * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert all(picture.tobytes() in known for picture in drawn)
    assert views.jittered.shape == views.normal.shape and views.other.shape == (1, 3, 64, 96)


def test_the_light_of_every_picture_is_changed_by_up_to_a_fifth():
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    banks = make_banks(np.random.default_rng(0), noises=1, patterns=4, scenes=2)
    for step in range(20):
        views = draw_views(pictures, banks, SETTINGS, step)
        change = (views.jittered - views.normal).abs().flatten(1).amax(1)
        assert (change > 1e-3).all() and (change <= 0.2 + 1e-6).all()


def test_all_views_lie_channels_last_so_that_none_is_moved_when_they_are_joined():
    banks = make_banks(np.random.default_rng(0), noises=1, patterns=4, scenes=2)
    views = draw_views(draw_discs(4)[0], banks, SETTINGS, 0)
    images = (views.normal, views.jittered, views.other)
    assert [each.is_contiguous(memory_format=torch.channels_last) for each in images] == [True] * 3


def test_a_few_steps_give_a_map_of_the_pictures_size_and_the_same_seed_the_same_map(fitted):
    detector, normals, told = fitted
    maps = detector.score(normals.fit[0])
    assert maps.anomaly.shape == (64, 96) and maps.score == pytest.approx(float(maps.anomaly.max()))
    assert told.steps == 6  # of two pictures: as many as BAAD sees
    again = EfficientAD(new_pdn("tiny", 0), SETTINGS)
    again.fit(normals, Silence())
    assert np.array_equal(again.score(normals.fit[0]).anomaly, maps.anomaly)
