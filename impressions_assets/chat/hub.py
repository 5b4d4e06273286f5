"""Where a model of transformers lies: a folder, or one fetched from the Hugging Face hub."""

from pathlib import Path

from impressions_assets.errors import ConfigError

_FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
_PICKLED = ("*.bin", "*.pt", "*.pth")
_ACCESS = "make a token on https://huggingface.co/settings/tokens, and set HF_TOKEN to it"


def model_folder(name: str, pickled: bool = False) -> Path:
    """The folder of a model, fetched from the hub where the name is no folder's path.

    Raises:
        ConfigError: it is not there, gated, or cannot be fetched.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if name.startswith((".", "/", "~")):
        raise ConfigError(f"cannot load a model from {name}: there is no such folder")
    from huggingface_hub import errors, snapshot_download

    wanted = [*_FILES, *(_PICKLED if pickled else ())]
    # Some of the hub's errors, and those of the client beneath it, are plain Exceptions.
    kinds = [one for one in vars(errors).values() if isinstance(one, type)]
    others: tuple[type[Exception], ...] = (
        *(one for one in kinds if issubclass(one, Exception)), OSError, ValueError,
    )  # fmt: skip
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except errors.GatedRepoError as error:
        raise ConfigError(
            f"{name} is gated: accept its terms on https://huggingface.co/{name}, {_ACCESS}"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ConfigError(
            f"the Hugging Face hub has no {name} for you: is it spelled OWNER/NAME? A private one"
            " needs HF_TOKEN"
        ) from error
    except others as error:
        answers = [getattr(one, "response", None) for one in (error, error.__cause__)]
        if {getattr(answer, "status_code", None) for answer in answers} & {401, 403}:
            raise ConfigError(
                f"the Hugging Face hub refuses {name} ({error.__cause__ or error}): ask its owner"
                f" for access, {_ACCESS}"
            ) from error
        raise ConfigError(
            f"cannot fetch {name} from the Hugging Face hub ({type(error).__name__}: {error}); try"
            " again with a network, or give the whole path of a folder"
        ) from error
