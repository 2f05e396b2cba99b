"""Batches: every row once, an order decided by (seed, epoch), and a resumed training equal to a whole one."""

from pathlib import Path

import lightning
import numpy as np
import pytest
import torch

from spikewright.data import Batches, EventSplit, Split
from spikewright.data.augment import RandomCrop
from spikewright.data.events.augment import PolarityFlip
from spikewright.data.events.preparation import EventPreparation
from spikewright.data.preparation import InputPreparation
from spikewright.errors import BadSetting

PREPARATION = InputPreparation(mean=(0.5,), std=(0.25,), size=None, channels=1)
SPLIT = Split(images=np.random.default_rng(0).integers(0, 256, (25, 1, 4, 4), dtype=np.uint8), labels=np.arange(25))


def batches(**settings: object) -> Batches:
    return Batches(SPLIT, **({"batch_size": 10, "preparation": PREPARATION, "shuffle": True} | settings))  # type: ignore[arg-type]


def order(made: Batches) -> list[int]:
    return [label for _, y in made for label in y.tolist()]


def pixels(made: Batches) -> torch.Tensor:
    return torch.cat([x for x, _ in made])


def test_without_shuffle_the_split_comes_in_order_and_prepared() -> None:
    made = batches(shuffle=False)
    assert order(made) == list(range(25))
    assert [len(y) for _, y in made] == [10, 10, 5]
    assert torch.equal(pixels(made), PREPARATION(torch.from_numpy(SPLIT.images)))
    x, y = next(iter(made))
    assert (x.dtype, y.dtype) == (torch.float32, torch.int64)


def test_shuffled_rows_come_once_with_their_own_label() -> None:
    prepared = PREPARATION(torch.from_numpy(SPLIT.images))
    seen = []
    for x, y in batches():
        assert torch.equal(x, prepared[y])
        seen += y.tolist()
    assert sorted(seen) == list(range(25))


def test_seed_and_epoch_decide_the_order_and_nothing_else_does() -> None:
    made = batches(seed=1)
    orders = []
    for epoch in (0, 1, 2):
        made.set_epoch(epoch)
        orders.append(order(made))
    assert len({tuple(o) for o in orders}) == 3
    torch.manual_seed(99)
    made.set_epoch(1)
    assert order(made) == orders[1]
    other = batches(seed=2)
    other.set_epoch(0)
    assert order(other) not in orders  # seed 2 epoch 0 must not be seed 1 epoch 1


def test_augmentation_is_seeded_by_epoch_and_batch() -> None:
    first, again = (batches(shuffle=False, augmentation=RandomCrop(padding=2)) for _ in range(2))
    plain = pixels(batches(shuffle=False))
    assert not torch.equal(pixels(first), plain)
    assert torch.equal(pixels(first), pixels(again))
    again.set_epoch(1)
    assert not torch.equal(pixels(first), pixels(again))


@pytest.mark.parametrize(("drop_last", "sizes"), [(False, [10, 10, 5]), (True, [10, 10])])
def test_length_counts_the_batches_that_come(drop_last: bool, sizes: list[int]) -> None:
    made = batches(drop_last=drop_last)
    assert [len(y) for _, y in made] == sizes
    assert len(made) == len(sizes)


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_a_restored_state_goes_on_where_it_stood(done: int) -> None:
    made = batches(augmentation=RandomCrop(padding=1))
    made.set_epoch(4)
    whole = list(made)
    iterator = iter(made)
    for _ in range(done):
        next(iterator)
    state = made.state_dict() if done else {"epoch": 4, "batch": 0}
    resumed = batches(augmentation=RandomCrop(padding=1))
    iterator = iter(resumed)  # Lightning asks for the iterator first
    resumed.load_state_dict(state)
    resumed.set_epoch(4)
    rest = list(iterator)
    assert len(rest) == 3 - done
    for (x, y), (wanted_x, wanted_y) in zip(rest, whole[done:], strict=True):
        assert torch.equal(x, wanted_x)
        assert torch.equal(y, wanted_y)
    assert len(list(resumed)) == 3, "the next iteration is whole again"


def test_a_restored_state_does_not_touch_another_epoch() -> None:
    made = batches()
    made.load_state_dict({"epoch": 0, "batch": 2})
    made.set_epoch(1)
    assert len(list(made)) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0: it must be 1 or more"),
        ({"seed": -1}, "seed is -1: it must be 0 or more"),
        ({"batch_size": 26, "drop_last": True}, "batch_size is 26, but there are 25 samples: lower it"),
    ],
)
def test_bad_settings_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(BadSetting, match=message):
        batches(**change)


def test_frames_of_events_are_fed_as_images_are() -> None:
    random = np.random.default_rng(0)
    frames, labels = random.integers(0, 4, (25, 3, 2, 5, 6), dtype=np.uint8), np.arange(25)
    split = EventSplit(frames=frames, labels=labels).take(labels % 5 != 0)
    prepare = EventPreparation(timesteps=3, size=(5, 6), binary=True)
    made = Batches(split, batch_size=7, preparation=prepare, shuffle=True, augmentation=PolarityFlip(probability=1.0))
    seen = []
    for x, y in made:
        assert torch.equal(x, torch.from_numpy(frames[y][:, :, ::-1] > 0).float())
        seen += y.tolist()
    assert sorted(seen) == [row for row in range(25) if row % 5]


@pytest.mark.filterwarnings("ignore")
def test_lightning_resumes_bit_for_bit_in_the_middle_and_at_the_end_of_an_epoch(tmp_path: Path) -> None:
    class Small(lightning.LightningModule):
        def __init__(self, seen: list[list[int]], stop: int | None) -> None:
            super().__init__()
            self.net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 25))
            torch.nn.init.constant_(self.net[1].weight, 0.01)  # type: ignore[arg-type]
            torch.nn.init.zeros_(self.net[1].bias)  # type: ignore[arg-type]
            self.seen, self.stop = seen, stop

        def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
            self.seen.append(batch[1].tolist())
            return torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def on_train_batch_end(self, *_: object) -> None:
            if self.global_step == self.stop:
                self.trainer.save_checkpoint(tmp_path / "c.ckpt")
                self.trainer.should_stop = True
                raise KeyboardInterrupt

        def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> None: ...

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), 1e-2)

    def train(stop: int | None = None, checkpoint: Path | None = None) -> tuple[list[list[int]], torch.Tensor]:
        seen: list[list[int]] = []
        module = Small(seen, stop)
        trainer = lightning.Trainer(
            max_epochs=3,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        loaders = batches(augmentation=RandomCrop(padding=1)), batches(shuffle=False)
        try:
            trainer.fit(module, *loaders, ckpt_path=checkpoint)
        except (KeyboardInterrupt, SystemExit):
            assert stop is not None
        return seen, module.net[1].weight.detach().clone()  # type: ignore[union-attr, operator]

    whole, weights = train()
    assert len(whole) == 9
    assert whole[:3] != whole[3:6], "the epochs were not told apart"
    for stop in (2, 3, 4):
        before, _ = train(stop)
        after, resumed = train(checkpoint=tmp_path / "c.ckpt")
        assert before + after == whole
        assert torch.equal(resumed, weights)
