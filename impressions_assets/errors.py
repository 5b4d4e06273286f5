"""The tree of our errors. A message says what was attempted, on which key, and what to do.

ImpressionsError
├── ConfigError          channels.yaml or a setting is wrong: the user mends it
├── SourceError          a source could not be read
│   ├── SourceMissing        nothing is there (a folder, a file, a dataset)
│   ├── SourceBroken         it is there, but its content makes no sense
│   ├── SourceUnreachable    no answer, or half of one
│   ├── SourceRefused        it does not let us in: a wrong key, a wrong cookies file
│   ├── VideoUnavailable     this video is gone, private, or not for everybody
│   ├── NoCaptions           it was asked, and it has no captions
│   ├── RequestUnfit         a language model's server takes no such request
│   ├── AnswerUnfit          a language model said what nothing can be made of
│   ├── NotYet               a live stream that is to come, or goes on
│   └── SourcePaused         nobody may ask it before a certain time
│       ├── Blocked              it takes us for a robot
│       └── QuotaSpent           what we may ask of it today is spent
├── StorageError         the storage root could not be read or written
│   ├── MissingFile          a file that a row names is not in the store
│   ├── CorruptFile          a file does not have the digest that its row names
│   └── NewerSchema          the home was written by a newer version of this program
├── TokenizerError       a tokenizer cannot be loaded, or does not fit what was made with another
├── RecognitionError     speech recognition cannot start or go on
│   └── RecognizerDied       its process ended without a word
├── PromptTooLong        a conversation leaves a model no room for an answer
├── TrainingError        training cannot start or go on
│   ├── CheckpointError      a checkpoint is cut short or of another shape
│   └── RankLost             another process of the same training is gone
└── NothingToDo          an asset has no input to work on (an empty channel)
    └── TooEarly             it will have enough once what waits is done

`retry` says whether trying again later, with nothing changed, may help.
"""

from datetime import datetime


class ImpressionsError(Exception):
    """Base of all our errors."""

    retry = False


class ConfigError(ImpressionsError):
    """channels.yaml or a setting is wrong."""


class SourceError(ImpressionsError):
    """A source could not be read."""


class SourceMissing(SourceError):
    """Nothing is where the source should be."""

    retry = True


class SourceBroken(SourceError):
    """A source is there, but its content makes no sense."""


class SourceUnreachable(SourceError):
    """No answer came, or half of one: trying again helps."""

    retry = True


class SourceRefused(SourceError):
    """The source does not let us in."""


class VideoUnavailable(SourceError):
    """A video is gone, private, or not for everybody; `reason` says which, in a word."""

    def __init__(self, message: str, reason: str) -> None:
        """Name the reason."""
        super().__init__(message)
        self.reason = reason


class NoCaptions(SourceError):
    """A video has no captions that we could take; `reason` says why, in a word."""

    def __init__(self, message: str, reason: str) -> None:
        """Name the reason: `disabled`, `none`, `language`."""
        super().__init__(message)
        self.reason = reason


class RequestUnfit(SourceError):
    """A language model's server takes no such request: too long, or with what it does not know."""


class AnswerUnfit(SourceError):
    """A language model's answer is none to what was asked."""


class NotYet(SourceError):
    """What is asked for will be there after `until`."""

    retry = True

    def __init__(self, message: str, until: datetime) -> None:
        """Name the time from which on it is worth a try."""
        super().__init__(message)
        self.until = until


class SourcePaused(SourceError):
    """Nobody may ask a service before `until`: what is due stays due, and nothing is wrong."""

    retry = True

    def __init__(self, message: str, until: datetime, service: str) -> None:
        """Name the service and the time from which on it may be asked again."""
        super().__init__(message)
        self.until = until
        self.service = service


class Blocked(SourcePaused):
    """The service takes us for a robot."""


class QuotaSpent(SourcePaused):
    """What we may ask of the service today is spent."""


class StorageError(ImpressionsError):
    """The storage root could not be read or written."""

    retry = True


class MissingFile(StorageError):
    """A file that a row names is not in the store."""

    retry = False


class CorruptFile(StorageError):
    """A file does not have the digest that its row names."""

    retry = False


class NewerSchema(StorageError):
    """The home was written by a newer version of this program."""

    retry = False


class TokenizerError(ImpressionsError):
    """A tokenizer cannot be loaded, or does not fit."""


class RecognitionError(ImpressionsError):
    """Speech recognition cannot start or go on."""


class RecognizerDied(RecognitionError):
    """The recognizer's process ended without a word: killed, or out of memory."""

    retry = True


class PromptTooLong(ImpressionsError):
    """A conversation leaves a model no room for an answer."""


class TrainingError(ImpressionsError):
    """Training cannot start or go on."""


class CheckpointError(TrainingError):
    """A checkpoint is cut short or of another shape."""


class RankLost(TrainingError):
    """Another process of the same training is gone; that one knows why."""


class NothingToDo(ImpressionsError):
    """An asset has no input to work on."""


class TooEarly(NothingToDo):
    """An asset has too little input by now; what waits upstream brings more."""
