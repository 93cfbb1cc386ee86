# embed.cmake - puts texts into the binary: the headers that Lua reads (one C string) and the
# Lua modules. Refuses a header that has left the FFI dialect.
function(hex_of text result)
  string(HEX "${text}" hex)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  set(${result} "${bytes}" PARENT_SCOPE)
endfunction()

foreach(header IN LISTS HEADERS)
  file(READ "${header}" text)
  if(text MATCHES "\n[ \t]*#[ \t]*(define|if|ifdef|ifndef|else|endif|undef)")
    message(FATAL_ERROR "${header}: #${CMAKE_MATCH_1} is outside the FFI dialect")
  endif()
  string(REGEX REPLACE "\n#[^\n]*" "\n" text "${text}")
  string(APPEND cdef "${text}")
endforeach()
hex_of("${cdef}" bytes)
set(source "#include \"embedded.h\"\nconst char moon_cdef[] = {${bytes}0};\n")

foreach(module IN LISTS MODULES)
  get_filename_component(stem "${module}" NAME_WE)
  file(READ "${module}" bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND source "static const char ${stem}_text[] = {${bytes}0};\n")
  string(APPEND table "    {\"moongate.${stem}\", \"@moongate/${stem}.lua\", "
                      "${stem}_text, sizeof ${stem}_text - 1},\n")
endforeach()
string(APPEND source "const struct moon_module moon_modules[] = {\n${table}    {0}};\n")
file(WRITE "${OUTPUT}" "${source}")
