"""The training loop: step, look, save, until the length is reached or someone asks to stop.

Notable choices:
- `last` is saved before every evaluation and every few minutes, `best` after an evaluation that was
  better: a kill loses minutes, and a resume repeats them bit for bit (on CPU).
- What a signal stops is saved without another evaluation: whoever sent it is waiting.
- Ranks do the same things in the same order. What only one of them knows (a signal came, the time
  is up) they tell each other once in each step.
"""

import math
import time
from contextlib import closing

import torch

from impressions_assets.errors import TokenizerError, TrainingError
from impressions_assets.gpt.board import Board
from impressions_assets.gpt.data import TrainingData, open_data
from impressions_assets.gpt.device import arithmetic, device_of, peak_flops, telling_of_failure
from impressions_assets.gpt.evaluate import Evaluator
from impressions_assets.gpt.ranks import Ranks
from impressions_assets.gpt.run import Log, Sample, TrainingResult, TrainingRun
from impressions_assets.gpt.sample import Generator
from impressions_assets.gpt.start import only_training_in, pick_up
from impressions_assets.gpt.state import TrainingState
from impressions_assets.gpt.step import REMEDY, Stepper
from impressions_assets.gpt.stop import REASONS, StopRequest
from impressions_assets.gpt.tokenizer import load_tokenizer

_SAVE_AFTER_SECONDS = 300.0


def train(
    run: TrainingRun, log: Log, stop: StopRequest, ranks: Ranks | None = None
) -> TrainingResult:
    """Train as `run` says; with an out_dir, leave best/, last/ and result.json in it.

    Of several ranks the first writes, logs and samples.

    Raises `TrainingError` when training cannot start or go on, and what the rooms it reads from
    raise: `ConfigError`, `TokenizerError`, `StorageError`.
    """
    ranks = ranks or Ranks()
    if not ranks.is_first:
        run, log = run.model_copy(update={"out_dir": None, "sample_tokens": 0}), lambda _: None
    with only_training_in(run.out_dir, log), telling_of_failure(device_of(run.train.device)):
        data = open_data(run.shards_dir, run.shards_digests)
        trainer = Trainer(run, data, log, stop, ranks)
        with arithmetic(trainer.device):
            trainer.train()
            result = trainer.result()
        if run.out_dir is not None:
            result.save(run.out_dir / "result.json")
    return result


class Trainer:
    """One training, from its start or from where it was left, to its end."""

    def __init__(
        self, run: TrainingRun, data: TrainingData, log: Log, stop: StopRequest, ranks: Ranks
    ) -> None:
        self._run, self._config, self._data, self._log, self._stop = run, run.train, data, log, stop
        self._tokenizer = load_tokenizer(run.tokenizer_dir)
        if self._tokenizer.digest != data.manifest.tokenizer:
            raise TokenizerError(
                f"cannot train on {run.shards_dir}: its shards were made by another tokenizer "
                f"than {run.tokenizer_dir}; make the shards again, or pass their tokenizer"
            )
        self._state = TrainingState(run, data, ranks)
        self._unigram = data.unigram_bits_per_byte()
        self._evaluator = self._make_evaluator()
        self._num_steps = self._length_in_steps()
        self._resumed_from = pick_up(run, self._state, log)
        evaluated = self._state.progress.evaluated_step
        self._board = Board(run.board_dir, self._resumed_from, evaluated, log)
        self._stepper = Stepper(self._state, self._config, self._num_steps, log)
        self._nats_to_bits_per_byte = len(data.train) / data.train_bytes / math.log(2)
        flops = self._state.model.flops_per_token(self._state.loader.length)
        peak = ranks.world_size * peak_flops(self.device, self._state.dtype)
        self._share_of_peak = flops / peak  # of a token/s
        self._began = self._saved_at = time.monotonic()
        self._asked: str | None = None  # to stop, by a signal to one of the ranks
        self._time_is_up = self._save_is_due = False
        self._stopped: str | None = None

    @property
    def device(self) -> torch.device:
        """Where it trains."""
        return self._state.device

    def train(self) -> None:
        """Train to the end."""
        self._announce()
        with closing(self._board):
            self._look()
            while not self._ended():
                self._stepper.step()
                self._look()
            self._finish()

    def result(self) -> TrainingResult:
        """How it ended, with samples of the best model that was saved, else of the latest."""
        progress, loss = self._state.progress, self._state.progress.best_val_loss
        return TrainingResult(
            steps=progress.step,
            stopped=self._stopped,
            resumed_from=self._resumed_from,
            best_step=progress.best_step,
            best_val_loss=loss,
            val_bits_per_byte=self._bits_per_byte(loss),
            unigram_bits_per_byte=self._unigram,
            tokens_per_second=self._stepper.tokens_per_second,
            num_parameters=self._state.model.num_parameters(),
            device=self.device.type,
            dtype=self._dtype_name,
            history=tuple(progress.history),
            samples=self._samples(),
        )

    # Looking: log, keep, evaluate

    def _look(self) -> None:
        step, config = self._state.progress.step, self._config
        if step % config.log_interval == 0:
            self._log_step()
        self._listen()
        self._keep()
        if self._asked is None and self._evaluation_is_due():
            self._evaluate()

    def _listen(self) -> None:
        """Agree with the other ranks on what each knows by itself."""
        now, most = time.monotonic(), self._config.max_seconds
        asked, is_up, is_due = self._state.ranks.largest(
            REASONS.index(self._stop.reason),
            most is not None and now - self._began >= most,
            now - self._saved_at > _SAVE_AFTER_SECONDS,
        )
        self._asked, self._time_is_up, self._save_is_due = REASONS[asked], bool(is_up), bool(is_due)

    def _log_step(self) -> None:
        stepper, progress = self._stepper, self._state.progress
        self._settle()
        if stepper.loss is not None:
            progress.note(stepper.loss)
            rate, speed = stepper.learning_rate, stepper.tokens_per_second
            bits, mfu = stepper.loss * self._nats_to_bits_per_byte, speed * self._share_of_peak
            self._log(
                f"step {progress.step:>6}  loss {stepper.loss:.4f}  {bits:.3f} bits per byte  "
                f"lr {rate:.2e}  {speed:,.0f} tokens/s  mfu {mfu:.0%}"
            )
            self._board.draw(
                "train",
                progress.step,
                loss=stepper.loss,
                bits_per_byte=bits,
                learning_rate=rate,
                gradient_norm=stepper.gradient_norm,
                tokens_per_second=speed,
                mfu=mfu,
            )

    def _keep(self) -> None:
        step, config = self._state.progress.step, self._config
        if config.save_every and step and step % config.save_every == 0:
            self._save(f"step-{step:06}")
        if config.save_each_epoch and self._stepper.epoch_ended:
            self._save(f"epoch-{self._stepper.epoch_ended}")
        if self._save_is_due:
            self._save("last")

    def _evaluation_is_due(self) -> bool:
        progress = self._state.progress
        if progress.evaluated_step == progress.step:
            return False
        if progress.step == 0 and self._evaluator is None:
            return self._state.started_from is not None
        # At step 0 too: what all later losses are compared with, and a full disk is found at once.
        return progress.step % self._config.eval_interval == 0 or progress.step == self._num_steps

    def _evaluate(self) -> None:
        state, progress = self._state, self._state.progress
        self._stepper.settle()
        progress.note(self._stepper.loss)
        self._save("last")
        if self._evaluator is None:
            progress.best_step = progress.step
            self._save("best")
            return
        loss = self._evaluator.loss(state.model, self.device, state.dtype, state.ranks)
        if not math.isfinite(loss):
            raise TrainingError(
                f"the validation loss is {loss:g} at step {progress.step}; {REMEDY}"
            )
        is_trained = progress.step > 0 or state.started_from is not None
        if progress.note_evaluation(loss, may_be_best=is_trained):
            self._save("best", loss)
        bits = self._bits_per_byte(loss)
        best = f", best at step {progress.best_step}" if is_trained else ""
        self._log(
            f"step {progress.step:>6}  val loss {loss:.4f}  {bits:.3f} bits "
            f"per byte (unigram {self._unigram:.3f}){best}"
        )
        self._board.draw("val", progress.step, loss=loss, bits_per_byte=bits)

    # The end

    def _ended(self) -> bool:
        progress, config = self._state.progress, self._config
        if self._asked:
            self._stopped = self._asked
        elif self._num_steps is not None and progress.step >= self._num_steps:
            return True
        elif config.patience and progress.evaluations_since_best >= config.patience:
            self._stopped = "patience"
        elif self._time_is_up:
            self._stopped = "max_seconds"
        return self._stopped is not None

    def _finish(self) -> None:
        progress = self._state.progress
        if self._asked is None:
            if progress.evaluated_step != progress.step:
                self._evaluate()
        else:
            self._log(f"{self._asked}: saving after step {progress.step}, then stopping")
            self._save("last")
            if progress.best_step is None:  # nothing was evaluated yet: this is all there is
                self._save("best")

    def _samples(self) -> tuple[Sample, ...]:
        if "SIGTERM" in (self._asked, self._stop.reason) or not self._run.sample_tokens:
            return ()  # whoever terminates us waits a few seconds only
        if self._run.out_dir is not None:
            generator = Generator.load(self._run.out_dir / "best", self._config.device)
        else:
            generator = Generator(self._state.model, self._tokenizer, self._state.context)
        prompts = self._run.sample_prompts
        said = generator.generate_many(prompts, self._run.sample_tokens, seed=self._config.seed)
        return tuple(map(Sample, prompts, said))

    # Small things

    def _announce(self) -> None:
        state, length = self._state, self._num_steps
        self._log(
            f"{state.model.num_parameters():,} parameters on {self._devices} in "
            f"{self._dtype_name}, {len(self._data.train):,} training tokens, "
            f"{'until stopped' if length is None else f'{length:,} steps'}"
        )
        if state.loader.length < self._run.model.block_size:
            self._log(f"the text is short: training on windows of {state.loader.length} tokens")
        if self._evaluator is None:
            self._log("there is no validation text: the latest model counts as the best")

    def _make_evaluator(self) -> Evaluator | None:
        if not self._data.can_evaluate:
            return None
        length, config = self._state.loader.length, self._config
        num_bytes = self._data.val_bytes
        return Evaluator(self._data.val, num_bytes, length, config.batch_size, config.eval_iters)

    def _length_in_steps(self) -> int | None:
        config = self._config
        if config.max_epochs is None:
            return config.max_iters
        windows = config.max_epochs * self._state.loader.windows_per_epoch
        return math.ceil(windows / (config.batch_size * config.gradient_accumulation_steps))

    def _save(self, name: str, val_loss: float | None = None) -> None:
        self._settle()  # what broke down is never saved
        self._saved_at = time.monotonic()
        if self._run.out_dir is not None:
            self._state.save(self._run.out_dir / name, val_loss, self._bits_per_byte(val_loss))

    def _settle(self) -> None:
        self._stepper.settle()
        self._data.files.check()

    @property
    def _devices(self) -> str:
        number, kind = self._state.ranks.world_size, self.device.type
        return kind if number == 1 else f"{number} processes of {kind}"

    @property
    def _dtype_name(self) -> str:
        return str(self._state.dtype).removeprefix("torch.")

    def _bits_per_byte(self, loss: float | None) -> float | None:
        return None if loss is None or not self._evaluator else self._evaluator.bits_per_byte(loss)
