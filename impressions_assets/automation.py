"""When an asset is refreshed by itself: its condition, and the sensor that evaluates it.

Does not belong here: runs that are asked for by name (jobs.py) or by events outside (sensors.py).
"""

import dagster as dg

_changed = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed())

# Conditions that read simpler lose updates or fire on unchanged data. `eager()` loses one when the
# downstream finishes in the tick in which the upstream updates; `.since(newly_requested())` alone
# loses every second one for good. The tick test in impressions_assets_tests/test_automation.py
# holds this one to neither; the daily sweep stands behind it.
upstream_content_changed = (
    _changed.since(dg.AutomationCondition.newly_requested() & ~_changed)
    & ~dg.AutomationCondition.any_deps_missing()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("upstream content changed")
