"""The recognizer: `python -m impressions_assets.speech.recognizer job.json`.

The same by hand and as a child of Dagster, in the environment that holds whisperx. Each clip's
result appears whole, under its name; one that cannot be heard is told with the reason, and the
others go on.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from impressions_assets.child import Child, child_session, end_with_parent, fail
from impressions_assets.errors import ImpressionsError, RecognitionError, SourceError
from impressions_assets.speech.recognizer.job import Job, loaded


def main(arguments: list[str] | None = None) -> int:
    """Recognize all clips of a job."""
    paths = sys.argv[1:] if arguments is None else arguments
    if len(paths) != 1:
        print("usage: python -m impressions_assets.speech.recognizer job.json", file=sys.stderr)
        return 2
    end_with_parent()
    try:
        with child_session() as child:
            _recognize(Path(paths[0]), child)
    except ImpressionsError as error:
        return fail(Path(paths[0]), error)
    return 0


def _recognize(file: Path, child: Child) -> None:
    job = Job.load(file)
    child.log(f"recognizing {len(job.clips)} videos in process {os.getpid()}")
    try:
        from impressions_assets.speech.recognizer.hearing import Ears
    except ImportError as error:
        raise RecognitionError(
            f"{sys.executable} cannot import whisperx ({error}): `make asr` makes an environment"
            " that can, and says what to set ASR_PYTHON to"
        ) from error
    ears = Ears(job, child.log)
    loaded(file).touch()
    for number, clip in enumerate(job.clips, start=1):
        try:
            _write(Path(clip.out), ears.hear(clip))
        except SourceError as error:
            child.log(f"{number} of {len(job.clips)}: {error}")
            Path(clip.out).with_suffix(".error").write_text(str(error), encoding="utf-8")
        else:
            child.log(f"{number} of {len(job.clips)}: {clip.video_id} is recognized")


def _write(out: Path, recognized: dict[str, Any]) -> None:
    part = out.with_name(f"{out.name}.part")
    # numpy's numbers are none of JSON's.
    part.write_text(json.dumps(recognized, default=float, ensure_ascii=False), encoding="utf-8")
    part.replace(out)


if __name__ == "__main__":
    sys.exit(main())
