#ifndef MESHWORK_CZLIB_H
#define MESHWORK_CZLIB_H

#include <zlib.h>

#endif
