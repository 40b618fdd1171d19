/* Making, changing and removing. See ext-files.h. */
#include <string.h>
#include "ext-files.h"

/* EXT4_LINK_MAX; a folder with more subfolders than that says 1 where dir_nlink allows it (fs/ext4/namei.c). */
#define LINKS_AT_MOST 65000

errcode_t store_inode(ext2_ino_t number, struct ext2_inode_large *inode)
{
	return ext2fs_write_inode_full(volume, number, (struct ext2_inode *)inode, sizeof(*inode));
}

static errcode_t enter(ext2_ino_t folder, const char *name, ext2_ino_t number, int kind)
{
	errcode_t error = ext2fs_link(volume, folder, name, number, kind);

	if (error == EXT2_ET_DIR_NO_SPACE) {
		error = ext2fs_expand_dir(volume, folder);
		if (!error)
			error = ext2fs_link(volume, folder, name, number, kind);
	}
	return error;
}

static errcode_t must_be_free(ext2_ino_t folder, const char *name)
{
	ext2_ino_t number;
	errcode_t error = ext2fs_lookup(volume, folder, name, strlen(name), NULL, &number);

	return error == EXT2_ET_FILE_NOT_FOUND ? 0 : error ? error : EXT2_ET_FILE_EXISTS;
}

static errcode_t answer_number(ext2_ino_t number)
{
	answer_start();
	return answer_add(&number, sizeof(number));
}

static int entry_kind(unsigned int mode)
{
	switch (mode & LINUX_S_IFMT) {
	case LINUX_S_IFREG: return EXT2_FT_REG_FILE;
	case LINUX_S_IFDIR: return EXT2_FT_DIR;
	case LINUX_S_IFCHR: return EXT2_FT_CHRDEV;
	case LINUX_S_IFBLK: return EXT2_FT_BLKDEV;
	case LINUX_S_IFIFO: return EXT2_FT_FIFO;
	case LINUX_S_IFSOCK: return EXT2_FT_SOCK;
	case LINUX_S_IFLNK: return EXT2_FT_SYMLINK;
	default: return EXT2_FT_UNKNOWN;
	}
}

/* u32 inode number of a new folder, owned by root, 0755. */
errcode_t EXPORTED(ext_make_folder)(ext2_ino_t parent, const char *name)
{
	struct ext2_inode_large inode;
	unsigned int links;
	ext2_ino_t number;
	errcode_t error = release_file();

	if (!error)
		error = must_be_free(parent, name);
	if (!error)
		error = load_inode(parent, &inode);
	if (error)
		return error;
	links = inode.i_links_count;
	if (links >= LINKS_AT_MOST - 1 && !ext2fs_has_feature_dir_nlink(volume->super))
		return REFUSED_TOO_MANY_LINKS;
	error = ext2fs_new_inode(volume, parent, LINUX_S_IFDIR | 0755, NULL, &number);
	if (error)
		return error;
	error = ext2fs_mkdir(volume, parent, number, name);
	if (error == EXT2_ET_DIR_NO_SPACE) {
		error = ext2fs_expand_dir(volume, parent);
		if (!error)
			error = ext2fs_mkdir(volume, parent, number, name);
	}
	/* The library counts on beyond the limit. */
	if (!error && (links == 1 || links >= LINKS_AT_MOST - 1)) {
		error = load_inode(parent, &inode);
		inode.i_links_count = 1;
		if (!error)
			error = store_inode(parent, &inode);
	}
	return error ? error : answer_number(number);
}

/* u32 inode number of a new, empty file, device, fifo or socket, by the kind in `mode`. */
errcode_t EXPORTED(ext_make_file)(ext2_ino_t parent, const char *name, unsigned int mode, uint32_t major, uint32_t minor)
{
	struct ext2_inode_large inode;
	struct ext2_inode *small = (struct ext2_inode *)&inode;
	ext2_extent_handle_t extents;
	ext2_ino_t number;
	int kind = entry_kind(mode);
	errcode_t error = release_file();

	if (kind == EXT2_FT_UNKNOWN || kind == EXT2_FT_DIR || kind == EXT2_FT_SYMLINK)
		return REFUSED_WRONG_KIND;
	if (!error)
		error = must_be_free(parent, name);
	if (!error)
		error = ext2fs_new_inode(volume, parent, mode, NULL, &number);
	if (error)
		return error;
	memset(&inode, 0, sizeof(inode));
	inode.i_mode = mode;
	inode.i_links_count = 1;
	if (kind == EXT2_FT_CHRDEV || kind == EXT2_FT_BLKDEV) {
		if (major < 256 && minor < 256)
			inode.i_block[0] = major << 8 | minor;
		else
			inode.i_block[1] = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
	} else if (kind == EXT2_FT_REG_FILE && ext2fs_has_feature_extents(volume->super)) {
		/* Opening an empty map makes its head and sets the flag. */
		error = ext2fs_extent_open2(volume, number, small, &extents);
		if (error)
			return error;
		ext2fs_extent_free(extents);
	}
	error = ext2fs_write_new_inode(volume, number, small);
	if (error)
		return error;
	ext2fs_inode_alloc_stats2(volume, number, 1, 0);
	error = enter(parent, name, number, kind);
	return error ? error : answer_number(number);
}

/* u32 inode number of a new symbolic link. */
errcode_t EXPORTED(ext_make_link)(ext2_ino_t parent, const char *name, const char *target)
{
	ext2_ino_t number;
	errcode_t error = release_file();

	if (!error)
		error = must_be_free(parent, name);
	if (!error)
		error = ext2fs_new_inode(volume, parent, LINUX_S_IFLNK | 0777, NULL, &number);
	if (!error)
		error = ext2fs_symlink(volume, parent, number, NULL, target);
	if (!error)
		error = enter(parent, name, number, EXT2_FT_SYMLINK);
	return error ? error : answer_number(number);
}

/* Another name for what is there. */
errcode_t EXPORTED(ext_hard_link)(ext2_ino_t parent, const char *name, ext2_ino_t number)
{
	struct ext2_inode_large inode;
	errcode_t error = release_file();

	if (!error)
		error = must_be_free(parent, name);
	if (!error)
		error = load_inode(number, &inode);
	if (error)
		return error;
	if (LINUX_S_ISDIR(inode.i_mode))
		return REFUSED_WRONG_KIND;
	if (inode.i_links_count >= LINKS_AT_MOST)
		return REFUSED_TOO_MANY_LINKS;
	/* The count first: a count too high leaks a file, one too low loses it. */
	inode.i_links_count++;
	error = store_inode(number, &inode);
	return error ? error : enter(parent, name, number, entry_kind(inode.i_mode));
}

static errcode_t free_inode(ext2_ino_t number, struct ext2_inode_large *inode)
{
	struct ext2_inode *small = (struct ext2_inode *)inode;
	int folder = LINUX_S_ISDIR(inode->i_mode);
	errcode_t error = 0;

	if (ext2fs_inode_has_valid_blocks2(volume, small))
		error = ext2fs_punch(volume, number, small, NULL, 0, ~0ULL);
	if (!error)
		error = ext2fs_free_ext_attr(volume, number, inode);
	if (error)
		return error;
	inode->i_links_count = 0;
	inode->i_dtime = volume->now ? volume->now : time(NULL);
	error = store_inode(number, inode);
	if (!error)
		ext2fs_inode_alloc_stats2(volume, number, -1, folder);
	return error;
}

static int any_entry(ext2_ino_t folder, int kind, struct ext2_dir_entry *entry, int offset, int size, char *buffer, void *context)
{
	(void)folder, (void)kind, (void)offset, (void)size, (void)buffer;
	if (leads_up(entry))
		return 0;
	*(int *)context = 1;
	return DIRENT_ABORT;
}

static errcode_t remove_folder(ext2_ino_t parent, const char *name, ext2_ino_t number, struct ext2_inode_large *inode)
{
	struct ext2_inode_large above;
	int filled = 0;
	errcode_t error = ext2fs_dir_iterate2(volume, number, 0, NULL, any_entry, &filled);

	if (error || filled)
		return error ? error : REFUSED_NOT_EMPTY;
	error = ext2fs_unlink(volume, parent, name, number, 0);
	if (!error)
		error = free_inode(number, inode);
	if (!error)
		error = load_inode(parent, &above);
	if (error || above.i_links_count <= 2)
		return error;
	above.i_links_count--;
	return store_inode(parent, &above);
}

/* Takes a name away, and what it named with its last name. A folder must be empty. */
errcode_t EXPORTED(ext_remove)(ext2_ino_t parent, const char *name)
{
	struct ext2_inode_large inode;
	ext2_ino_t number;
	errcode_t error = release_file();

	if (!error)
		error = ext2fs_lookup(volume, parent, name, strlen(name), NULL, &number);
	if (!error)
		error = load_inode(number, &inode);
	if (error)
		return error;
	if (LINUX_S_ISDIR(inode.i_mode))
		return remove_folder(parent, name, number, &inode);
	error = ext2fs_unlink(volume, parent, name, number, 0);
	if (error)
		return error;
	if (inode.i_links_count <= 1)
		return free_inode(number, &inode);
	inode.i_links_count--;
	return store_inode(number, &inode);
}

/* What lies between the end and `offset` becomes a hole. u32 bytes written */
errcode_t EXPORTED(ext_write)(ext2_ino_t number, uint64_t offset, const void *bytes, unsigned int length)
{
	ext2_file_t file;
	unsigned int written = 0;
	errcode_t error = use_file(number, 1, &file);

	if (!error)
		error = ext2fs_file_llseek(file, offset, EXT2_SEEK_SET, NULL);
	if (!error)
		error = ext2fs_file_write(file, bytes, length, &written);
	answer_start();
	return error ? error : answer_add(&written, sizeof(written));
}

errcode_t EXPORTED(ext_set_size)(ext2_ino_t number, uint64_t size)
{
	ext2_file_t file;
	errcode_t error = use_file(number, 1, &file);

	return error ? error : ext2fs_file_set_size2(file, size);
}

/* Times that the inode cannot hold become the nearest ones that it can, as the kernel does (timestamp_truncate). */
static void write_time(int64_t whole, uint32_t nanoseconds, int has_extra, uint32_t *seconds, uint32_t *extra)
{
	const int64_t least = INT32_MIN, most = has_extra ? INT32_MAX + 3 * (INT64_C(1) << 32) : INT32_MAX;

	if (whole < least || whole > most) {
		whole = whole < least ? least : most;
		nanoseconds = 0;
	}
	*seconds = (uint32_t)whole;
	if (has_extra)
		*extra = (uint32_t)((whole - (int32_t)whole) >> 32 & 3) | nanoseconds << 2;
}

/* Permissions, owners and times; kind, size and links stay. */
errcode_t EXPORTED(ext_set_attributes)(ext2_ino_t number, const struct attributes *wanted)
{
	struct ext2_inode_large inode;
	errcode_t error = release_file();

	if (!error)
		error = load_inode(number, &inode);
	if (error)
		return error;
	size_t extra = EXT2_INODE_SIZE(volume->super) > EXT2_GOOD_OLD_INODE_SIZE ? inode.i_extra_isize : 0;
	size_t end = EXT2_GOOD_OLD_INODE_SIZE + extra;
#define HOLDS(field) (end >= offsetof(struct ext2_inode_large, field) + sizeof(inode.field))
	inode.i_mode = (inode.i_mode & LINUX_S_IFMT) | (wanted->mode & 07777);
	inode.i_uid = wanted->uid;
	inode.osd2.linux2.l_i_uid_high = wanted->uid >> 16;
	inode.i_gid = wanted->gid;
	inode.osd2.linux2.l_i_gid_high = wanted->gid >> 16;
	write_time(wanted->atime, wanted->atime_ns, HOLDS(i_atime_extra), &inode.i_atime, &inode.i_atime_extra);
	write_time(wanted->mtime, wanted->mtime_ns, HOLDS(i_mtime_extra), &inode.i_mtime, &inode.i_mtime_extra);
	write_time(wanted->ctime, wanted->ctime_ns, HOLDS(i_ctime_extra), &inode.i_ctime, &inode.i_ctime_extra);
	if (HOLDS(i_crtime))
		write_time(wanted->crtime, wanted->crtime_ns, HOLDS(i_crtime_extra), &inode.i_crtime, &inode.i_crtime_extra);
#undef HOLDS
	return store_inode(number, &inode);
}

/* In getxattr's form; `value` NULL takes the attribute away. */
errcode_t EXPORTED(ext_set_xattr)(ext2_ino_t number, const char *name, const void *value, size_t length)
{
	struct ext2_xattr_handle *handle;
	errcode_t closed, error = release_file();

	if (!error)
		error = ext2fs_xattrs_open(volume, number, &handle);
	if (error)
		return error;
	error = ext2fs_xattrs_read(handle);
	if (!error)
		error = value ? ext2fs_xattr_set(handle, name, value, length) : ext2fs_xattr_remove(handle, name);
	closed = ext2fs_xattrs_close(&handle);
	return error ? error : closed;
}
