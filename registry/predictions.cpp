#include "registry/predictions.h"
