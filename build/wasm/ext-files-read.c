/* Folders, links, contents and extended attributes. See ext-files.h. */
#include <string.h>
#include "ext-files.h"

/* By name: in folders that stand inside their inode, the library calls these two entries like any other. */
int leads_up(struct ext2_dir_entry *entry)
{
	int length = ext2fs_dirent_name_len(entry);

	return (length == 1 && entry->name[0] == '.') || (length == 2 && entry->name[0] == '.' && entry->name[1] == '.');
}

static int list_entry(ext2_ino_t folder, int kind, struct ext2_dir_entry *entry, int offset, int size, char *buffer, void *context)
{
	(void)folder, (void)kind, (void)offset, (void)size, (void)buffer;
	errcode_t *error = context;
	unsigned char head[6];
	int length = ext2fs_dirent_name_len(entry);

	if (leads_up(entry))
		return 0;
	memcpy(head, &entry->inode, 4);
	head[4] = ext2fs_dirent_file_type(entry);
	head[5] = length;
	*error = answer_add(head, sizeof(head));
	if (!*error)
		*error = answer_add(entry->name, length);
	return *error ? DIRENT_ABORT : 0;
}

/* Per entry except "." and "..": u32 inode number, u8 kind (EXT2_FT_…), u8 length, the name. */
errcode_t EXPORTED(ext_list)(ext2_ino_t folder)
{
	errcode_t failed = 0, error;

	answer_start();
	error = ext2fs_check_directory(volume, folder);
	if (error)
		return error == EXT2_ET_NO_DIRECTORY ? REFUSED_NOT_A_FOLDER : error;
	error = ext2fs_dir_iterate2(volume, folder, 0, NULL, list_entry, &failed);
	return failed ? failed : error;
}

errcode_t EXPORTED(ext_link_target)(ext2_ino_t number)
{
	struct ext2_inode_large inode;
	struct ext2_inode *small = (struct ext2_inode *)&inode;
	errcode_t error = load_inode(number, &inode);
	ext2_file_t file;
	unsigned int got;
	char *target;

	if (error)
		return error;
	if (!LINUX_S_ISLNK(inode.i_mode))
		return REFUSED_WRONG_KIND;
	answer_start();
	if (ext2fs_is_fast_symlink(small))
		return answer_add(inode.i_block, inode.i_size);
	/* A target is shorter than a block; a longer one is damage. */
	if (EXT2_I_SIZE(small) > volume->blocksize)
		return EXT2_ET_FILESYSTEM_CORRUPTED;
	target = malloc(volume->blocksize);
	if (!target)
		return EXT2_ET_NO_MEMORY;
	error = use_file(number, 0, &file);
	if (!error)
		error = ext2fs_file_llseek(file, 0, EXT2_SEEK_SET, NULL);
	if (!error)
		error = ext2fs_file_read(file, target, volume->blocksize, &got);
	if (!error)
		error = answer_add(target, got);
	free(target);
	return error;
}

/* u32 bytes read, which is less than `length` at the end of the file. */
errcode_t EXPORTED(ext_read)(ext2_ino_t number, uint64_t offset, void *into, unsigned int length)
{
	ext2_file_t file;
	unsigned int got = 0;
	errcode_t error = use_file(number, 0, &file);

	if (!error)
		error = ext2fs_file_llseek(file, offset, EXT2_SEEK_SET, NULL);
	if (!error)
		error = ext2fs_file_read(file, into, length, &got);
	answer_start();
	return error ? error : answer_add(&got, sizeof(got));
}

struct run {
	uint64_t offset, place, length;
};

struct runs {
	struct run last;
	errcode_t error;
};

static errcode_t add_run(struct runs *runs, uint64_t block, uint64_t place, uint64_t blocks)
{
	uint64_t size = volume->blocksize;
	struct run next = { block * size, place * size, blocks * size };
	struct run *last = &runs->last;

	if (last->length && last->offset + last->length == next.offset && last->place + last->length == next.place) {
		last->length += next.length;
		return 0;
	}
	if (last->length)
		runs->error = answer_add(last, sizeof(*last));
	*last = next;
	return runs->error;
}

static int mapped_block(ext2_filsys fs, blk64_t *place, e2_blkcnt_t block, blk64_t reference, int offset, void *context)
{
	(void)fs, (void)reference, (void)offset;
	return add_run(context, block, *place, 1) ? BLOCK_ABORT : 0;
}

static errcode_t runs_of_extents(ext2_ino_t number, struct ext2_inode_large *inode, struct runs *runs)
{
	ext2_extent_handle_t extents;
	struct ext2fs_extent extent;
	int step = EXT2_EXTENT_ROOT;
	errcode_t error = ext2fs_extent_open2(volume, number, (struct ext2_inode *)inode, &extents);

	if (error)
		return error;
	while (!(error = ext2fs_extent_get(extents, step, &extent))) {
		step = EXT2_EXTENT_NEXT;
		/* Unwritten extents (fallocate) read as zeros, as holes do. */
		if (!(extent.e_flags & EXT2_EXTENT_FLAGS_LEAF) || (extent.e_flags & EXT2_EXTENT_FLAGS_UNINIT))
			continue;
		error = add_run(runs, extent.e_lblk, extent.e_pblk, extent.e_len);
		if (error)
			break;
	}
	ext2fs_extent_free(extents);
	return error == EXT2_ET_EXTENT_NO_NEXT || error == EXT2_ET_NO_CURRENT_NODE ? 0 : error;
}

/* Where a file's bytes stand on the device, in order; what is between is holes. Per run: u64 offset in the file, u64 byte on the device, u64 length. None for data inside the inode. */
errcode_t EXPORTED(ext_runs)(ext2_ino_t number)
{
	struct ext2_inode_large inode;
	struct runs runs = { 0 };
	errcode_t error = load_inode(number, &inode);

	if (error)
		return error;
	answer_start();
	if ((inode.i_flags & EXT4_INLINE_DATA_FL) || !ext2fs_inode_has_valid_blocks2(volume, (struct ext2_inode *)&inode))
		return 0;
	if (inode.i_flags & EXT4_EXTENTS_FL)
		error = runs_of_extents(number, &inode, &runs);
	else
		error = ext2fs_block_iterate3(volume, number, BLOCK_FLAG_DATA_ONLY | BLOCK_FLAG_READ_ONLY, NULL, mapped_block, &runs);
	if (!error)
		error = runs.error;
	if (!error && runs.last.length)
		error = answer_add(&runs.last, sizeof(runs.last));
	return error;
}

struct listing {
	struct ext2_xattr_handle *handle;
	errcode_t error;
};

static int list_attribute(char *name, char *value, size_t length, void *context)
{
	struct listing *listing = context;
	void *plain = NULL;
	unsigned char name_length = strlen(name);
	uint32_t value_length;

	/* Where small files keep their content; no attribute to anyone. */
	if (!strcmp(name, "system.data"))
		return 0;
	/* The iterator hands out access control lists as they stand on the disk; getxattr's form comes from ext2fs_xattr_get only. */
	if (!strncmp(name, "system.posix_acl_", 17)) {
		listing->error = ext2fs_xattr_get(listing->handle, name, &plain, &length);
		if (listing->error)
			return XATTR_ABORT;
		value = plain;
	}
	value_length = length;
	listing->error = answer_add(&name_length, 1);
	if (!listing->error)
		listing->error = answer_add(name, name_length);
	if (!listing->error)
		listing->error = answer_add(&value_length, 4);
	if (!listing->error)
		listing->error = answer_add(value, length);
	if (plain)
		ext2fs_free_mem(&plain);
	return listing->error ? XATTR_ABORT : 0;
}

/* Per extended attribute: u8 length and name ("user.comment"), u32 length and value. */
errcode_t EXPORTED(ext_xattrs)(ext2_ino_t number)
{
	struct listing listing = { 0 };
	errcode_t error = release_if_writing();

	answer_start();
	if (error)
		return error;
	error = ext2fs_xattrs_open(volume, number, &listing.handle);
	if (error)
		return error == EXT2_ET_MISSING_EA_FEATURE ? 0 : error;
	error = ext2fs_xattrs_read(listing.handle);
	if (!error)
		error = ext2fs_xattrs_iterate(listing.handle, list_attribute, &listing);
	ext2fs_xattrs_close(&listing.handle);
	return listing.error ? listing.error : error;
}
