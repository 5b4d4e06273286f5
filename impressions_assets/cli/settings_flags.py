"""Every setting of a training as a flag, by nanoGPT's name, made from the settings themselves."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_args

import typer
from pydantic import BaseModel

from impressions_assets.gpt.config import ModelConfig, TrainConfig

_PANELS: dict[str, type[BaseModel]] = {"Model": ModelConfig, "Training": TrainConfig}


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command a flag per setting; it gets those that were given as `**settings`."""

    def run(**given: Any) -> Any:
        own = {name: value for name, value in given.items() if name not in flags}
        settings = {n: given[n] for n in flags if given.get(n) is not None}
        return command(**own, **settings)

    flags = {p.name: p for panel, config in _PANELS.items() for p in _flags(panel, config)}
    own = [p for p in inspect.signature(command).parameters.values() if p.kind is not p.VAR_KEYWORD]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature([*own, *flags.values()])  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in [*own, *flags.values()]}
    return run


def _flags(panel: str, config: type[BaseModel]) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                _kind(field.annotation) | None,
                typer.Option(
                    _spelling(name, field.annotation),
                    help=field.description,
                    rich_help_panel=panel,
                    show_default=False,
                ),
            ],
        )
        for name, field in config.model_fields.items()
    ]


def _spelling(name: str, annotation: Any) -> str:
    flag = name.replace("_", "-")
    return f"--{flag}/--no-{flag}" if _kind(annotation) is bool else f"--{flag}"


def _kind(annotation: Any) -> Any:
    """The plain type of a value; words that are one of a few are checked with all else, later."""
    kinds = {kind for kind in get_args(annotation) or (annotation,) if isinstance(kind, type)}
    return next(iter(kinds - {type(None)}), str)
