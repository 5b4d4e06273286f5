"""What channels.yaml can set of how a channel's passages are found."""

from pydantic import Field

from impressions_assets.channels.fields import Location, Strict, Words


class SearchSettings(Strict):
    """How passages are found."""

    encoder: Words | Location | None = Field(
        default=None,
        description="a sentence encoder, by which passages are found by what they mean, too: a name"
        " on the Hugging Face hub, such as sentence-transformers/all-mpnet-base-v2, or the whole"
        " path of its folder",
    )
