/* Opening, the answer, and what an inode says. See ext-files.h. */
#include <errno.h>
#include <string.h>
#include <et/com_err.h>
#include "ext-files.h"

ext2_filsys volume;
static int opened_for_writing;
static unsigned short state_before;

static unsigned char *answer;
static size_t answer_used, answer_room;

static ext2_file_t open_file;
static ext2_ino_t open_file_number;
static int open_file_writing;

void answer_start(void)
{
	answer_used = 0;
}

errcode_t answer_add(const void *bytes, size_t length)
{
	if (answer_used + length > answer_room) {
		size_t room = (answer_used + length) * 2;
		unsigned char *larger = realloc(answer, room);
		if (!larger)
			return EXT2_ET_NO_MEMORY;
		answer = larger;
		answer_room = room;
	}
	memcpy(answer + answer_used, bytes, length);
	answer_used += length;
	return 0;
}

const unsigned char *EXPORTED(ext_answer)(void)
{
	return answer;
}

size_t EXPORTED(ext_answer_size)(void)
{
	return answer_used;
}

const char *EXPORTED(ext_error_text)(errcode_t code)
{
	return error_message(code);
}

/* A volume whose journal holds changes, or that was not left cleanly, is not written to: the journal's replay would undo it, or the damage would spread. */
errcode_t EXPORTED(ext_open)(const char *path, int writing)
{
	errcode_t error;

	initialize_ext2_error_table();
	error = ext2fs_open(path, EXT2_FLAG_64BITS | (writing ? EXT2_FLAG_RW : 0), 0, 0, unix_io_manager, &volume);
	if (error || !writing)
		return error;
	if (ext2fs_has_feature_journal_needs_recovery(volume->super))
		return REFUSED_NEEDS_RECOVERY;
	state_before = volume->super->s_state;
	if (!(state_before & EXT2_VALID_FS) || (state_before & EXT2_ERROR_FS))
		return REFUSED_UNCLEAN;
	error = ext2fs_read_bitmaps(volume);
	if (error)
		return error;
	/* As the kernel does: the copies of the superblock are left as mke2fs wrote them, and until the end the volume says that it was not left cleanly. */
	volume->flags |= EXT2_FLAG_MASTER_SB_ONLY;
	volume->super->s_state &= ~EXT2_VALID_FS;
	ext2fs_mark_super_dirty(volume);
	opened_for_writing = 1;
	return ext2fs_flush(volume);
}

errcode_t EXPORTED(ext_flush)(void)
{
	errcode_t error = release_file();

	return error ? error : ext2fs_flush(volume);
}

errcode_t EXPORTED(ext_close)(void)
{
	errcode_t error = release_file();

	if (!error && opened_for_writing) {
		/* Everything is on the medium before the volume says that it is clean. */
		error = ext2fs_flush(volume);
		if (!error) {
			volume->super->s_state = state_before;
			ext2fs_mark_super_dirty(volume);
		}
	}
	if (error)
		return error;
	return ext2fs_close_free(&volume);
}

/* u32 block size, u32 inode size, u64 blocks, u64 free blocks, u32 inodes, u32 free inodes, u32 compat, u32 incompat, u32 ro_compat, u32 state, 16 bytes UUID, 16 bytes label */
errcode_t EXPORTED(ext_facts)(void)
{
	struct ext2_super_block *super = volume->super;
	struct {
		uint32_t block_size, inode_size;
		uint64_t blocks, free_blocks;
		uint32_t inodes, free_inodes, compat, incompat, ro_compat, state;
		unsigned char uuid[16], label[16];
	} facts = {
		.block_size = volume->blocksize,
		.inode_size = EXT2_INODE_SIZE(super),
		.blocks = ext2fs_blocks_count(super),
		.free_blocks = ext2fs_free_blocks_count(super),
		.inodes = super->s_inodes_count,
		.free_inodes = super->s_free_inodes_count,
		.compat = super->s_feature_compat,
		.incompat = super->s_feature_incompat,
		.ro_compat = super->s_feature_ro_compat,
		.state = super->s_state,
	};

	memcpy(facts.uuid, super->s_uuid, sizeof(facts.uuid));
	memcpy(facts.label, super->s_volume_name, sizeof(facts.label));
	answer_start();
	return answer_add(&facts, sizeof(facts));
}

errcode_t load_inode(ext2_ino_t number, struct ext2_inode_large *inode)
{
	errcode_t error = release_if_writing();

	memset(inode, 0, sizeof(*inode));
	if (error)
		return error;
	return ext2fs_read_inode_full(volume, number, (struct ext2_inode *)inode, sizeof(*inode));
}

/* Where an inode has room for it, the upper 30 bits of the extra field are nanoseconds and the lower two count 2^32 seconds (fs/ext4/ext4.h). */
static void read_time(uint32_t seconds, uint32_t extra, int has_extra, int64_t *whole, uint32_t *nanoseconds)
{
	*whole = (int32_t)seconds;
	*nanoseconds = 0;
	if (!has_extra)
		return;
	*whole += (int64_t)(extra & 3) << 32;
	*nanoseconds = extra >> 2;
}

/* struct attributes */
errcode_t EXPORTED(ext_attributes)(ext2_ino_t number)
{
	struct ext2_inode_large inode;
	struct ext2_inode *small = (struct ext2_inode *)&inode;
	struct attributes found = { 0 };
	errcode_t error = load_inode(number, &inode);

	if (error)
		return error;
	size_t extra = EXT2_INODE_SIZE(volume->super) > EXT2_GOOD_OLD_INODE_SIZE ? inode.i_extra_isize : 0;
	size_t end = EXT2_GOOD_OLD_INODE_SIZE + extra;
#define HOLDS(field) (end >= offsetof(struct ext2_inode_large, field) + sizeof(inode.field))
	found.mode = inode.i_mode;
	found.uid = inode.i_uid | (uint32_t)inode.osd2.linux2.l_i_uid_high << 16;
	found.gid = inode.i_gid | (uint32_t)inode.osd2.linux2.l_i_gid_high << 16;
	found.links = inode.i_links_count;
	found.size = EXT2_I_SIZE(small);
	found.sectors = ext2fs_get_stat_i_blocks(volume, small);
	found.flags = inode.i_flags;
	found.generation = inode.i_generation;
	if (LINUX_S_ISCHR(inode.i_mode) || LINUX_S_ISBLK(inode.i_mode)) {
		/* Numbers that fit one byte each stand in the first word; larger ones in the second, spread as the kernel's new_encode_dev does. */
		uint32_t narrow = inode.i_block[0], wide = inode.i_block[1];
		found.major = narrow ? narrow >> 8 & 0xff : wide >> 8 & 0xfff;
		found.minor = narrow ? narrow & 0xff : (wide & 0xff) | (wide >> 12 & 0xfff00);
	}
	read_time(inode.i_atime, inode.i_atime_extra, HOLDS(i_atime_extra), &found.atime, &found.atime_ns);
	read_time(inode.i_mtime, inode.i_mtime_extra, HOLDS(i_mtime_extra), &found.mtime, &found.mtime_ns);
	read_time(inode.i_ctime, inode.i_ctime_extra, HOLDS(i_ctime_extra), &found.ctime, &found.ctime_ns);
	if (HOLDS(i_crtime))
		read_time(inode.i_crtime, inode.i_crtime_extra, HOLDS(i_crtime_extra), &found.crtime, &found.crtime_ns);
#undef HOLDS
	answer_start();
	return answer_add(&found, sizeof(found));
}

/* u32 inode number */
errcode_t EXPORTED(ext_lookup)(ext2_ino_t folder, const char *name, int length)
{
	ext2_ino_t number = 0;
	errcode_t error = ext2fs_lookup(volume, folder, name, length, NULL, &number);

	if (error)
		return error;
	answer_start();
	return answer_add(&number, sizeof(number));
}

errcode_t release_file(void)
{
	ext2_file_t file = open_file;

	open_file = NULL;
	open_file_writing = 0;
	return file ? ext2fs_file_close(file) : 0;
}

/* Before reading what a file that is being written changes. */
errcode_t release_if_writing(void)
{
	return open_file_writing ? release_file() : 0;
}

errcode_t use_file(ext2_ino_t number, int writing, ext2_file_t *file)
{
	errcode_t error;

	if (open_file && open_file_number == number && open_file_writing == writing) {
		*file = open_file;
		return 0;
	}
	error = release_file();
	if (!error)
		error = ext2fs_file_open(volume, number, writing ? EXT2_FILE_WRITE : 0, &open_file);
	if (error) {
		open_file = NULL;
		return error;
	}
	open_file_number = number;
	open_file_writing = writing;
	*file = open_file;
	return 0;
}
