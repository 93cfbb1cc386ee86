# embed.cmake - puts texts into the binary: the headers that Lua reads (one C string) and the
# Lua modules, also as texts some plugins. Refuses a header that has left the FFI dialect.
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

# The files as a C array of struct moon_module with this name.
function(list_files array files)
  foreach(path IN LISTS files)
    string(REGEX REPLACE "^.*/(moongate|scripts)/(.*)[.]lua$" "\\1/\\2" stem "${path}")
    string(REPLACE "/" "." name "${stem}")
    string(REPLACE "/" "_" symbol "${stem}")
    file(READ "${path}" bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(APPEND texts "static const char ${symbol}_text[] = {${bytes}0};\n")
    string(APPEND table "    {\"${name}\", \"@${stem}.lua\", "
                        "${symbol}_text, sizeof ${symbol}_text - 1},\n")
  endforeach()
  string(APPEND source "${texts}const struct moon_module ${array}[] = {\n${table}    {0}};\n")
  set(source "${source}" PARENT_SCOPE)
endfunction()

list_files(moon_modules "${MODULES}")
list_files(moon_plugins "${PLUGINS}")
file(WRITE "${OUTPUT}" "${source}")
