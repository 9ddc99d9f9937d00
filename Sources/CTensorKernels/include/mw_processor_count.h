// How many threads of this process can run at once, which the compute pool's width is.
//
// `root` is where `/proc` and `/sys` are: "" for the system's own. Tests have trees of files.
#ifndef MESHWORK_PROCESSOR_COUNT_H
#define MESHWORK_PROCESSOR_COUNT_H

#include <stddef.h>

#pragma clang assume_nonnull begin

/// min(online cores, cores that the affinity mask allows, `mw_processors_of_control_groups`), at least 1.
ptrdiff_t mw_usable_processors(const char *root);

/// The processors that the tightest CPU quota of the control groups that this process is in keeps busy, rounded up;
/// PTRDIFF_MAX without a quota, and where no control groups are.
///
/// Read are `/proc/self/cgroup` and, below `/sys/fs/cgroup`, `cpu.max` of version 2 or `cpu.cfs_quota_us` and
/// `cpu.cfs_period_us` of version 1, of a group and of all around it. What is not as the kernel writes it is no quota.
ptrdiff_t mw_processors_of_control_groups(const char *root);

#pragma clang assume_nonnull end

#endif
