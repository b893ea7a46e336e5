/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/role.h"

struct role role_control, role_pmd;
