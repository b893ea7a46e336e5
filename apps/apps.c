/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/apps.h"

const struct app *const apps[] = { &app_network, &app_l2, NULL };
