/* SPDX-License-Identifier: Apache-2.0 */
/* The one corner of the kernel with floating point in its types. */
#include "../include/base.h"

typedef double dcn_bw_ms;

struct dcn_bw_internal_vars {
	float voltage[5];
	dcn_bw_ms urgent_latency;
	enum dcn_bw_defs {
		dcn_bw_no = 0,
		dcn_bw_yes = 1,
	} pte_enable;
	const float *const limits;
};

union dc_tiling {
	struct {
		u32 pipes : 5;
		u32 banks : 5;
		s32 bias : 6;
	} gfx9;
	u32 raw;
};

int dcn_validate_bandwidth(const struct dcn_bw_internal_vars *v, union dc_tiling tiling)
{
	return v->pte_enable == dcn_bw_yes ? tiling.gfx9.bias : (int)tiling.gfx9.pipes;
}
