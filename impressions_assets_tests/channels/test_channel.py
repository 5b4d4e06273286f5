"""What a channel is: defaults, what is refused, and that it can be compared and kept."""

import pytest
from pydantic import ValidationError

from impressions_assets.channels.channel import (
    ArchiveSource,
    Channel,
    Channels,
    DatasetSource,
    TextSource,
    YouTubeSource,
)
from impressions_assets.channels.training import ModelSettings, TrainingSettings
from impressions_assets.gpt.config import ModelConfig, TrainConfig


def channel(**fields: object) -> Channel:
    data = {"sources": [{"archive": "/talks"}], **fields}
    return Channels.model_validate({"channels": {"demo": data}}).channels["demo"]


def test_a_channel_needs_no_more_than_a_source() -> None:
    demo = channel()
    assert (demo.name, demo.languages, demo.model.preset) == ("demo", ("en",), "baby")
    assert (demo.tokenizer.kind, demo.tokenizer.vocab_size) == ("bpe", 8192)
    assert demo.retrain.schedule is None
    assert demo.retrain.after_new_tokens_percent is None


def test_sources_of_all_kinds_mix_and_keep_their_order() -> None:
    sources = [{"text": "/notes"}, {"dataset": "owner/name", "limit": 5}, {"archive": "/talks"}]
    assert channel(sources=sources).sources == (
        TextSource(text="/notes"),
        DatasetSource(dataset="owner/name", limit=5),
        ArchiveSource(archive="/talks"),
    )


@pytest.mark.parametrize("link", ["@Somebody", "https://m.youtube.com/@somebody/videos?x=y"])
def test_a_link_is_kept_in_its_one_spelling(link: str) -> None:
    (source,) = channel(sources=[{"youtube": link}]).sources
    assert source == YouTubeSource(youtube="https://www.youtube.com/@somebody")


def test_the_settings_of_youtube_stand_beside_the_channels() -> None:
    assert Channels().youtube.daily_quota_units == 9000
    assert (channel().gone, channel().transcripts.look_again_days) == ("keep", 14)
    said = {"requests_per_second": 0, "daily_videos": None, "listing": "keyless"}
    youtube = Channels.model_validate({"youtube": said}).youtube
    assert (youtube.requests_per_second, youtube.daily_videos) == (0, None)
    assert (youtube.listing, youtube.concurrency) == ("keyless", 4)


@pytest.mark.parametrize(
    "setting",
    [
        {"listing": "scrape"},
        {"daily_quota_units": 0},
        {"requests_per_second": -1},
        {"requests_per_second": "inf"},
        {"jitter": 1.1},
        {"daily_videos": 0},
        {"timeout_seconds": 0},
        {"timeout_seconds": "nan"},
        {"concurrency": 33},
        {"api_key": "x"},
    ],
)
def test_a_setting_of_youtube_that_makes_no_sense_is_refused(setting: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Channels.model_validate({"youtube": setting})


@pytest.mark.parametrize(
    ("speech", "told"),
    [
        ({"language": "German"}, "write one such as de"),
        ({"language": "klingon"}, "write one such as de"),
        ({"min_speakers": 3, "max_speakers": 2}, r"min_speakers \(3\) is above max_speakers \(2\)"),
    ],
)
def test_speech_that_cannot_be_is_refused(speech: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        channel(speech=speech)
    for language in ("de", "yue", "pt-BR", "detect"):
        assert channel(speech={"language": language}).speech.language == language


@pytest.mark.parametrize("word", ["no", "false", "yes", " True "])
def test_a_bare_yes_or_no_is_no_permission(word: str) -> None:
    with pytest.raises(ValidationError, match="does not say who allowed it"):
        channel(permission=word)


def test_equal_channels_have_equal_hashes() -> None:
    assert hash(channel(title="A")) == hash(channel(title="A"))
    assert channel(title="A") != channel(title="B")


def test_a_channel_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        channel().title = "other"  # type: ignore[misc]


@pytest.mark.parametrize("place", ["talks", "./talks", "~/talks", "", " ", "/a\0b", "/a\nb"])
def test_a_place_that_depends_on_the_process_is_refused(place: str) -> None:
    with pytest.raises(ValidationError):
        channel(sources=[{"archive": place}])


@pytest.mark.parametrize("place", ["/talks", "/with blank/Ünï", "gs://bucket/talks"])
def test_a_whole_path_and_an_address_are_places(place: str) -> None:
    assert channel(sources=[{"archive": place}]).sources == (ArchiveSource(archive=place),)


@pytest.mark.parametrize("name", ["owner/name", "name", "/data/set", "gs://bucket/set"])
def test_a_dataset_is_a_hub_name_or_a_place(name: str) -> None:
    assert channel(sources=[{"dataset": name}]).sources == (DatasetSource(dataset=name),)


@pytest.mark.parametrize("name", ["../set", "./set", "a/b/c", "~/set", ""])
def test_a_dataset_in_a_relative_folder_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        channel(sources=[{"dataset": name}])


@pytest.mark.parametrize("schedule", ["0 3 * * 1", "*/15 0-6,22 1-7 * 0", "5 4 * 12 7"])
def test_a_cron_schedule_is_accepted(schedule: str) -> None:
    assert channel(retrain={"schedule": schedule}).retrain.schedule == schedule


@pytest.mark.parametrize(
    "schedule", ["", "daily", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "x * * * *"]
)
def test_a_schedule_that_cron_would_not_run_is_refused(schedule: str) -> None:
    with pytest.raises(ValidationError):
        channel(retrain={"schedule": schedule})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("filters", {"since": "2024-02-02", "until": "2024-02-01"}),
        ("filters", {"min_duration_seconds": 60, "max_duration_seconds": 30}),
        ("filters", {"since": "1700000000"}),
        ("documents", {"val_fraction": 0.6}),
        ("tokenizer", {"kind": "json"}),
        ("tokenizer", {"retokenize_at": "nan"}),
        ("training", {"max_iters": 5, "max_epochs": 1}),
        ("languages", []),
        ("languages", ["english please"]),
    ],
)
def test_contradictions_and_values_out_of_range_are_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        channel(**{field: value})


def test_every_setting_says_what_it_is_for() -> None:
    schema = Channels.model_json_schema()
    fields = {
        f"{model}.{name}": field
        for model, definition in schema["$defs"].items()
        for name, field in definition.get("properties", {}).items()  # an alias has none
    }
    assert [name for name, field in fields.items() if not field.get("description")] == []


def test_training_and_model_have_the_names_that_the_trainer_knows() -> None:
    trained = set(TrainingSettings.model_fields) - {"length"}
    assert trained == set(TrainConfig.model_fields)
    shaped = set(ModelSettings.model_fields) - {"preset"}
    assert shaped == set(ModelConfig.model_fields)


def test_a_search_knows_meaning_where_an_encoder_is_named() -> None:
    assert channel().search.encoder is None
    for encoder in ("sentence-transformers/all-mpnet-base-v2", "/models/mpnet"):
        assert channel(search={"encoder": encoder}).search.encoder == encoder
    for wrong in ({"encoder": " "}, {"encoders": "/models/mpnet"}):
        with pytest.raises(ValidationError):
            channel(search=wrong)
