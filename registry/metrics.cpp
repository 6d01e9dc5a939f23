#include "registry/metrics.h"
