"""The tree of our errors. A message says what was attempted, on which key, and what to do.

ImpressionsError
├── ConfigError          channels.yaml or a setting is wrong: the user mends it
├── SourceError          a source could not be read
│   ├── SourceMissing        nothing is there (a folder, a file, a dataset)
│   └── SourceBroken         it is there, but its content makes no sense
├── StorageError         the storage root could not be read or written
│   ├── MissingFile          a file that a row names is not in the store
│   ├── CorruptFile          a file does not have the digest that its row names
│   └── NewerSchema          the home was written by a newer version of this program
├── TokenizerError       a tokenizer cannot be loaded, or does not fit what was made with another
├── TrainingError        training cannot start or go on
│   └── CheckpointError      a checkpoint is cut short or of another shape
└── NothingToDo          an asset has no input to work on (an empty channel)

`retry` says whether trying again later, with nothing changed, may help.
"""


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


class TrainingError(ImpressionsError):
    """Training cannot start or go on."""


class CheckpointError(TrainingError):
    """A checkpoint is cut short or of another shape."""


class NothingToDo(ImpressionsError):
    """An asset has no input to work on."""
