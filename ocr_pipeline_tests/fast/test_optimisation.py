from __future__ import annotations

import pytest
import torch

from ocr_pipeline.fast.config import FastConfig
from ocr_pipeline.fast.network import build_network
from ocr_pipeline.fast.optimisation import learning_rate, make_average, make_optimizer


def rates(config: FastConfig, steps: int = 8, steps_per_epoch: int = 2) -> list[float]:
    return [learning_rate(config, step, steps, steps_per_epoch) for step in range(steps)]


def test_polynomial_decay_by_step():
    assert rates(FastConfig(learning_rate=1.0)) == pytest.approx([(1 - step / 8) ** 0.9 for step in range(8)])


def test_polynomial_decay_by_epoch_holds_within_an_epoch():
    found = rates(FastConfig(learning_rate=1.0, decay="epoch"))
    assert found == pytest.approx([(1 - step // 2 / 4) ** 0.9 for step in range(8)])


def test_milestones_divide_by_ten():
    assert rates(FastConfig(learning_rate=1.0, milestones=(1, 3))) == pytest.approx(
        [1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01]
    )


def test_warm_up_rises_first():
    found = rates(FastConfig(learning_rate=1.0, warmup_steps=4, milestones=(99,)))
    assert found == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 1, 1])


def test_the_average_follows_parameters_slowly_and_statistics_at_once():
    network = build_network("narrow")
    assert make_average(network, FastConfig()) is None
    average = make_average(network, FastConfig(ema_decay=0.9))
    average.update_parameters(network)
    with torch.no_grad():
        network.det_head.final.conv.weight += 1
        network.backbone.first_conv.bn.running_mean += 1
    average.update_parameters(network)
    gap = network.det_head.final.conv.weight - average.module.det_head.final.conv.weight
    torch.testing.assert_close(gap, torch.full_like(gap, 0.9))
    live, kept = network.backbone.first_conv.bn, average.module.backbone.first_conv.bn
    assert torch.equal(live.running_mean, kept.running_mean)


def test_the_average_follows_statistics_slowly_too_where_that_is_configured():
    network = build_network("narrow")
    average = make_average(network, FastConfig(ema_decay=0.9, ema_statistics=True))
    average.update_parameters(network)
    live, kept = network.backbone.first_conv.bn, average.module.backbone.first_conv.bn
    live.running_mean += 1
    average.update_parameters(network)
    torch.testing.assert_close(live.running_mean - kept.running_mean, torch.full_like(kept.running_mean, 0.9))


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD"])
def test_the_configured_optimizer_is_made(name):
    assert type(make_optimizer(build_network("narrow"), FastConfig(optimizer=name))).__name__ == name
