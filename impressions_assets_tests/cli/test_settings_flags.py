"""Settings as flags: whatever can be on or off has a flag for each."""

import inspect
from typing import get_args

import pytest

from impressions_assets.cli.settings_flags import with_settings


@pytest.mark.parametrize("name", ["bias", "compile"])
def test_a_switch_can_be_set_on_and_off(name):
    command = with_settings(lambda **settings: settings)
    _, option = get_args(inspect.signature(command).parameters[name].annotation)
    assert option.default == f"--{name}/--no-{name}"  # where typer keeps the first spelling
