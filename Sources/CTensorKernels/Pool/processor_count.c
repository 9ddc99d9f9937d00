#if defined(__linux__)
// sched_getaffinity and CPU_COUNT
#define _GNU_SOURCE
#endif

#pragma STDC FP_CONTRACT OFF

#include "processor_count.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>

/// Processors that a quota of `quota` of each `period` microseconds keeps busy, rounded up; PTRDIFF_MAX for none.
static ptrdiff_t processors_of_quota(long long quota, long long period) {
    return quota <= 0 || period <= 0 ? PTRDIFF_MAX : (ptrdiff_t)((quota + period - 1) / period);
}

/// Reads the first line of a file. Returns 0 if there is none.
static int read_line(const char *path, char *line, int size) {
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    const int found = fgets(line, size, file) != NULL;
    fclose(file);
    return found;
}

/// The quota of one control group of version 2 ("max 100000" or "150000 100000") or of version 1 (two files).
static ptrdiff_t quota_of_group(const char *mount, const char *group) {
    char path[PATH_MAX], line[128];
    snprintf(path, sizeof path, "%s%s/cpu.max", mount, group);
    if (read_line(path, line, sizeof line)) {
        long long quota, period;
        return sscanf(line, "%lld %lld", &quota, &period) == 2 ? processors_of_quota(quota, period) : PTRDIFF_MAX;
    }
    snprintf(path, sizeof path, "%s%s/cpu.cfs_quota_us", mount, group);
    if (!read_line(path, line, sizeof line)) {
        return PTRDIFF_MAX;
    }
    const long long quota = atoll(line);
    snprintf(path, sizeof path, "%s%s/cpu.cfs_period_us", mount, group);
    return read_line(path, line, sizeof line) ? processors_of_quota(quota, atoll(line)) : PTRDIFF_MAX;
}

/// The tightest quota of a group and of those around it, up to the mount point. Inside a container the path that
/// the kernel names may not exist below the mount; the walk up then ends at the container's own root.
static ptrdiff_t tightest_quota(const char *mount, char *group) {
    ptrdiff_t tightest = PTRDIFF_MAX;
    for (;;) {
        const ptrdiff_t quota = quota_of_group(mount, group);
        tightest = quota < tightest ? quota : tightest;
        char *slash = strrchr(group, '/');
        if (slash == NULL) {
            return tightest;
        }
        *slash = '\0';
    }
}

/// Lines of /proc/self/cgroup are "id:controllers:path"; version 2 has the line "0::path".
static ptrdiff_t processors_of_control_groups(void) {
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (file == NULL) {
        return PTRDIFF_MAX;
    }
    ptrdiff_t tightest = PTRDIFF_MAX;
    char line[PATH_MAX];
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        if (group == NULL) {
            continue;
        }
        *group++ = '\0';
        controllers++;
        const char *mount = NULL;
        if (*controllers == '\0') {
            mount = "/sys/fs/cgroup";
        } else if (strcmp(controllers, "cpu") == 0) {
            mount = "/sys/fs/cgroup/cpu";
        } else if (strcmp(controllers, "cpu,cpuacct") == 0) {
            mount = "/sys/fs/cgroup/cpu,cpuacct";
        }
        if (mount != NULL) {
            const ptrdiff_t quota = tightest_quota(mount, group);
            tightest = quota < tightest ? quota : tightest;
        }
    }
    fclose(file);
    return tightest;
}

static ptrdiff_t processors_of_affinity(void) {
    cpu_set_t set;
    // Fails on machines with more processors than a cpu_set_t names; those have no short supply.
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : PTRDIFF_MAX;
}
#endif

ptrdiff_t mw_usable_processors(void) {
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    ptrdiff_t count = online < 1 ? 1 : online;
#if defined(__linux__)
    const ptrdiff_t limits[] = {processors_of_affinity(), processors_of_control_groups()};
    for (int i = 0; i < 2; i++) {
        count = limits[i] < count ? limits[i] : count;
    }
#endif
    return count < 1 ? 1 : count;
}
