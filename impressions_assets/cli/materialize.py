"""The commands that compute: `materialize` and `redo`."""

from typing import TYPE_CHECKING, Annotated

import typer

from impressions_assets.cli.place import open_place

if TYPE_CHECKING:
    from impressions_assets.channels.channel import Channel
    from impressions_assets.runs import Launch

Name = Annotated[str, typer.Argument(metavar="NAME", help="A channel of channels.yaml.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show Dagster's log instead of writing it away.")
]


def materialize(
    name: Name,
    select: Annotated[
        str | None, typer.Option("--select", help="Only these assets, e.g. chapters,documents.")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be computed, and do nothing.")
    ] = False,
    sweep: Annotated[
        bool,
        typer.Option("--sweep", help="Ask for every YouTube video again, as each night."),
    ] = False,
    variant: Annotated[
        str | None,
        typer.Option(help="Variant that chat_model tunes; else the first.", show_default=False),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Bring a channel up to date: its dataset, then its model. Only what changed is computed."""
    from impressions_assets.cli.running import launches_of, perform

    place = open_place()
    channel = place.channel(name)
    launches = launches_of(name, select, sweep=sweep, variant=variant)
    if variant:
        _check_variant(channel, launches, variant)
    if plan:
        from impressions_assets.cli.planning import show_plan

        assets = [asset for launch in launches for asset in launch.assets]
        show_plan(place, name, assets, sweep=sweep)
        return
    perform(place, launches, verbose=verbose)


def _check_variant(channel: "Channel", launches: "list[Launch]", variant: str) -> None:
    from impressions_assets.assets.tuning import variant_of
    from impressions_assets.errors import ConfigError

    if not any("chat_model" in launch.assets for launch in launches):
        raise ConfigError(f"--variant {variant} is for a chat model: add --select chat_model")
    variant_of(channel, variant, {})


def redo(
    video: Annotated[str, typer.Argument(metavar="VIDEO", help="Its id, or a link to it.")],
    stage: Annotated[
        str, typer.Option("--from", help="Where to begin: transcripts, chapters, …")
    ] = "transcripts",
    channel: Annotated[
        str | None, typer.Option("--channel", help="Only in this channel.", show_default=False)
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Compute one video again, from a stage on: its rows are forgotten, then made anew."""
    from impressions_assets.cli.lookup import channels_with, video_id_of
    from impressions_assets.cli.running import data_launch, perform
    from impressions_assets.cli.stages import forget_from, stages_from, with_shards

    place = open_place()
    names = stages_from(stage)
    found = channels_with(place, video, channel)
    declared = [name for name in found if name in place.channels().channels]
    if not declared:
        place.channel(found[0])  # says that it is retired
    for name in declared:
        forget_from(place.home, name, video_id_of(video), names)
        perform(place, [data_launch(name, with_shards(names))], verbose=verbose)
