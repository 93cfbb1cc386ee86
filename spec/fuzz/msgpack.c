/* SPDX-License-Identifier: MIT
 * MessagePack: whatever is decoded can be encoded, and comes back as it was. */
#include "../../bindings/msgpack.h"
#include "value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static lua_State *L;
    if (L == NULL) {
        L = luaL_newstate();
        luaopen_moongate_msgpack(L);
    }
    value_round(L, data, bytes, 0);
    return 0;
}
