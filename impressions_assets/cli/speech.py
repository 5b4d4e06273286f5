"""What models said: the samples of a channel, as its asset keeps them. No torch here."""

from impressions_assets.cli.place import Place


def samples_of(place: Place, channel: str) -> list[str]:
    """Return the samples of a channel's promoted model, each with its prompt."""
    from impressions_assets.gpt.assess import Assessment

    kept = place.home.current(channel, "samples")
    if kept is None:
        return []
    folder = place.settings.scratch / "models" / kept.digest
    place.home.store.fetch(kept.files, folder)
    found = Assessment.load(folder / kept.files[0].name)
    return [f"{sample.prompt}{sample.text}" for sample in found.samples]
