# The addon: every native/*.cc, C++17, plain Node-API, libuv from the node binary. Built by scripts/build-native.mjs.
{
  "variables": { "sanitize%": 0 },
  "targets": [
    {
      "target_name": "ferrite",
      "sources": [
        "<!@(node -p \"require('node:fs').readdirSync('native').filter((name) => name.endsWith('.cc')).sort().map((name) => 'native/' + name).join(' ')\")"
      ],
      "defines": ["NAPI_VERSION=8", "NODE_GYP_MODULE_NAME=ferrite"],
      "cflags": ["-O3", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fvisibility=hidden", "-fno-exceptions", "-fno-rtti"],
      "cflags_cc": ["-std=c++17"],
      "cflags_cc!": ["-std=gnu++20", "-std=gnu++17", "-std=gnu++14"],
      "xcode_settings": {
        "GCC_OPTIMIZATION_LEVEL": "3",
        "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
        "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
        "GCC_ENABLE_CPP_RTTI": "NO",
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "MACOSX_DEPLOYMENT_TARGET": "11.0"
      },
      "conditions": [
        [
          "sanitize==1",
          {
            "cflags": ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize=vptr"],
            "cflags!": ["-O3"],
            "ldflags": ["-fsanitize=address,undefined"],
            "xcode_settings": {
              "OTHER_CFLAGS": ["-fsanitize=address,undefined", "-g"],
              "OTHER_LDFLAGS": ["-fsanitize=address,undefined"]
            }
          }
        ]
      ]
    }
  ]
}
