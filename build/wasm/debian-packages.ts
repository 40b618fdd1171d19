/** What Debian has to bring so that e2fsprogs can be compiled to WebAssembly (about 125 MB to fetch where nothing of it is there yet). */
export const wasmBuildPackages = ['dpkg-dev', 'emscripten', 'gcc', 'libc6-dev', 'make'] as const

/** What the tests of it compare with: the native programs, and those that set and show attributes and lists. */
export const wasmTestPackages = ['acl', 'attr', 'e2fsprogs', 'libcap2-bin', 'tar', 'util-linux'] as const
