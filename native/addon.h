// The doors of the addon's parts: each registers its functions on the exports object.
//
// No part keeps a global: state hangs off handles that JavaScript holds, with cleanup hooks per environment, so the
// addon loads in any number of workers and leaves with each of them.
//
// JavaScript validates, C++ assumes: arguments come only from src/adapters, which checks what users and peers say.
#ifndef FERRITE_ADDON_H_
#define FERRITE_ADDON_H_

#include <node_api.h>

void RegisterTransport(napi_env env, napi_value exports);
void RegisterFile(napi_env env, napi_value exports);
void RegisterMap(napi_env env, napi_value exports);
void RegisterCrc(napi_env env, napi_value exports);

#endif  // FERRITE_ADDON_H_
