#if defined(__linux__)
// sched_getaffinity and CPU_COUNT
#define _GNU_SOURCE
#endif

#pragma STDC FP_CONTRACT OFF

#include "../include/mw_processor_count.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>

/// Processors that a quota of `quota` of each `period` microseconds keeps busy, rounded up; PTRDIFF_MAX for none.
static ptrdiff_t processors_of_quota(long long quota, long long period) {
    return quota <= 0 || period <= 0 ? PTRDIFF_MAX : (ptrdiff_t)(quota / period + (quota % period != 0));
}

/// Reads the first line of a file. Returns false if there is none.
static bool read_line(const char *path, char *line, int size) {
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    const bool found = fgets(line, size, file) != NULL;
    fclose(file);
    return found;
}

/// The directory of a control group: the mount point of its hierarchy, and its path below it.
typedef struct group_directory {
    char path[2 * PATH_MAX];
    size_t mount_length;
} group_directory;

/// Reads the first line of a file of the group. Returns false if there is none.
static bool read_group_line(const group_directory *group, const char *file, char *line, int size) {
    char path[sizeof group->path + 64];
    return snprintf(path, sizeof path, "%s/%s", group->path, file) < (int)sizeof path && read_line(path, line, size);
}

/// The quota of one control group of version 2 ("max 100000" or "150000 100000") or of version 1 (two files).
static ptrdiff_t quota_of_group(const group_directory *group) {
    char line[128];
    long long quota, period;
    if (read_group_line(group, "cpu.max", line, sizeof line)) {
        return sscanf(line, "%lld %lld", &quota, &period) == 2 ? processors_of_quota(quota, period) : PTRDIFF_MAX;
    }
    if (!read_group_line(group, "cpu.cfs_quota_us", line, sizeof line) || sscanf(line, "%lld", &quota) != 1 ||
        !read_group_line(group, "cpu.cfs_period_us", line, sizeof line) || sscanf(line, "%lld", &period) != 1) {
        return PTRDIFF_MAX;
    }
    return processors_of_quota(quota, period);
}

/// The tightest quota of a group and of those around it, up to the mount point. Inside a container the path that
/// the kernel names may not exist below the mount; the walk up then ends at the container's own root.
static ptrdiff_t tightest_quota(group_directory *group) {
    ptrdiff_t tightest = PTRDIFF_MAX;
    for (;;) {
        const ptrdiff_t quota = quota_of_group(group);
        tightest = quota < tightest ? quota : tightest;
        char *slash = strrchr(group->path + group->mount_length, '/');
        if (slash == NULL) {
            return tightest;
        }
        *slash = '\0';
    }
}

/// Whether a list like "cpuacct,cpu" has the controller of quotas.
static bool names_cpu(const char *controllers) {
    for (const char *name = controllers;; name++) {
        const size_t length = strcspn(name, ",");
        if (length == 3 && memcmp(name, "cpu", 3) == 0) {
            return true;
        }
        name += length;
        if (*name == '\0') {
            return false;
        }
    }
}

/// The tightest quota of a group in the hierarchy that is mounted in this folder of /sys/fs/cgroup ("" for itself).
static ptrdiff_t quota_below(const char *root, const char *folder, const char *group_path) {
    group_directory group;
    const int mount_length = snprintf(
        group.path, sizeof group.path, "%s/sys/fs/cgroup%s%s", root, *folder == '\0' ? "" : "/", folder);
    if (mount_length < 0 || mount_length >= (int)sizeof group.path) {
        return PTRDIFF_MAX;
    }
    group.mount_length = (size_t)mount_length;
    const size_t room = sizeof group.path - group.mount_length;
    const int length = snprintf(group.path + mount_length, room, "%s", group_path);
    return length < 0 || (size_t)length >= room ? PTRDIFF_MAX : tightest_quota(&group);
}

ptrdiff_t mw_processors_of_control_groups(const char *root) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/proc/self/cgroup", root) >= (int)sizeof path) {
        return PTRDIFF_MAX;
    }
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return PTRDIFF_MAX;
    }
    ptrdiff_t tightest = PTRDIFF_MAX;
    // Lines are "id:controllers:path"; version 2 has the line "0::path".
    char line[PATH_MAX + 256];
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        if (group == NULL) {
            continue;
        }
        *group++ = '\0';
        controllers++;
        if (*group != '/') {
            continue;
        }
        // A hierarchy of version 1 is mounted under its controllers' names. The kernel and the mount may list them in
        // different orders; systemd then adds a link of each one's name.
        const char *folders[] = {controllers, "cpu"};
        const int folder_count = *controllers == '\0' ? 1 : names_cpu(controllers) ? 2 : 0;
        for (int i = 0; i < folder_count; i++) {
            const ptrdiff_t quota = quota_below(root, folders[i], group);
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
#else
ptrdiff_t mw_processors_of_control_groups(const char *root) {
    (void)root;
    return PTRDIFF_MAX;
}

static ptrdiff_t processors_of_affinity(void) { return PTRDIFF_MAX; }
#endif

ptrdiff_t mw_usable_processors(const char *root) {
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    ptrdiff_t count = online < 1 ? 1 : online;
    const ptrdiff_t limits[] = {processors_of_affinity(), mw_processors_of_control_groups(root)};
    for (int i = 0; i < 2; i++) {
        count = limits[i] < count ? limits[i] : count;
    }
    return count < 1 ? 1 : count;
}
