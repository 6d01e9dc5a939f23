#include "registry/store.h"
