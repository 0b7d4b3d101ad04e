# Writes OUTPUT, a header with the bytes of the file OBJECT.
cmake_policy(VERSION 3.28)
file(READ "${OBJECT}" bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE "${OUTPUT}" "static const unsigned char kSupportObject[] = {${bytes}};\n")
