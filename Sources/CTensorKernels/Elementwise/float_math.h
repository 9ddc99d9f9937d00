// Mathematical functions of one number in operations that every path carries out alike: a file for each group.
#ifndef MESHWORK_FLOAT_MATH_H
#define MESHWORK_FLOAT_MATH_H

#include "../Math/activation.h"
#include "../Math/error_function.h"
#include "../Math/exponential.h"
#include "../Math/half_precision.h"
#include "../Math/hyperbolic.h"
#include "../Math/inverse_trigonometric.h"
#include "../Math/logarithm.h"
#include "../Math/trigonometric.h"

#endif
