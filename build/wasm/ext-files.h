/*
 * File-level access to ext2, ext3 and ext4 on libext2fs, for native-helpers/wasm/ext-files.ts. One open volume per instance.
 * Every exported function answers 0, a code of the library (com_err), an errno, or one of the refusals below. What is longer than a number is left
 * in the answer buffer, little-endian and packed as the comment at each function says, until the next call.
 */
#ifndef EXT_FILES_H
#define EXT_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

#define EXPORTED(name) __attribute__((used, export_name(#name))) name

enum refusal {
	REFUSED_NEEDS_RECOVERY = -1,
	REFUSED_UNCLEAN = -2,
	REFUSED_TOO_MANY_LINKS = -3,
	REFUSED_NOT_EMPTY = -4,
	REFUSED_NOT_A_FOLDER = -5,
	REFUSED_WRONG_KIND = -6,
};

/* What ext-files.ts reads and writes of an inode; offsets are those of `attributeFields` there. */
struct attributes {
	uint32_t mode, uid, gid, links;
	uint64_t size, sectors;
	uint32_t flags, major, minor, generation;
	int64_t atime, mtime, ctime, crtime;
	uint32_t atime_ns, mtime_ns, ctime_ns, crtime_ns;
};

extern ext2_filsys volume;

/* Forgets the last answer and starts another. */
void answer_start(void);
errcode_t answer_add(const void *bytes, size_t length);

/* Writes out and closes the file that reads and writes use; it holds a copy of its inode, so nothing else may change that inode meanwhile. */
errcode_t release_if_writing(void);
errcode_t release_file(void);
errcode_t use_file(ext2_ino_t inode_number, int writing, ext2_file_t *file);

int leads_up(struct ext2_dir_entry *entry);

errcode_t load_inode(ext2_ino_t inode_number, struct ext2_inode_large *inode);
errcode_t store_inode(ext2_ino_t inode_number, struct ext2_inode_large *inode);

#endif
