// How many threads of this process can run at once.
#ifndef MESHWORK_PROCESSOR_COUNT_H
#define MESHWORK_PROCESSOR_COUNT_H

#include <stddef.h>

/// min(online cores, cores that the affinity mask allows, cgroup quota rounded up), at least 1.
ptrdiff_t mw_usable_processors(void);

#endif
