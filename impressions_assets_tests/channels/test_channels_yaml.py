"""channels.yaml where it lies."""

from impressions_assets.channels.channels_yaml import CHANNELS_FILE, read_channels
from impressions_assets.storage.home import Home

ONE = "channels:\n  talks:\n    sources: [{archive: /a}]\n"


def test_a_text_that_did_not_change_is_parsed_once_and_one_that_did_is_seen_at_once(
    home: Home,
) -> None:
    home.store.write_text(CHANNELS_FILE, ONE)
    first = read_channels(home)
    assert read_channels(home) is first  # with a thousand channels it is a second of work
    home.store.write_text(CHANNELS_FILE, ONE.replace("talks", "notes"))
    assert list(read_channels(home).channels) == ["notes"]
    assert list(first.channels) == ["talks"]
