// The addon's entry: collects what its parts export.
#include "addon.h"

NAPI_MODULE_INIT() {
  RegisterTransport(env, exports);
  RegisterFile(env, exports);
  RegisterMap(env, exports);
  RegisterCrc(env, exports);
  return exports;
}
