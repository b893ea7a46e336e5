# SPDX-License-Identifier: Apache-2.0
"""All patterns that are made from tables."""
import os

import patterns_core
import patterns_action  # noqa: F401  these fill patterns_core.FILES
import patterns_group  # noqa: F401
import patterns_match  # noqa: F401
import patterns_set  # noqa: F401


def write(base):
    """As files below 'base'; (path, section, feature) of each."""
    return patterns_core.files(os.path.join(base, "generated"))
