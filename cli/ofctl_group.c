/* SPDX-License-Identifier: Apache-2.0 */
/* Groups and meters. */
#include <errno.h>
#include <string.h>

#include "cli/ofctl.h"

struct reader {
	struct ofctl_mods mods;
	struct ofctl_conn *conn;
	uint16_t command;
	bool names_commands; /* a line may begin with what is to be done */
};

void ofctl_group_command(const char **s, uint16_t *command)
{
	static const struct {
		const char *word;
		uint16_t command;
	} words[] = { { "add", OFPGC_ADD },
		      { "modify", OFPGC_MODIFY },
		      { "add_or_mod", OFPGC_ADD_OR_MOD },
		      { "delete", OFPGC_DELETE },
		      { "insert_bucket", OFPGC_INSERT_BUCKET },
		      { "remove_bucket", OFPGC_REMOVE_BUCKET } };

	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (ofctl_word(s, words[i].word)) {
			*command = words[i].command;
			return;
		}
}

static int read_group(const char *text, unsigned int number, void *arg, struct err *e)
{
	struct reader *r = arg;
	uint16_t command = r->command;
	struct of_any *g;
	int status;

	if (r->names_commands)
		ofctl_group_command(&text, &command);
	status = of_parse_group_ext(text, command, ofctl_names(r->conn), &r->mods.arena, &g, e);
	if (!status)
		ofctl_mods_add(&r->mods, g, number);
	return status;
}

static int read_meter(const char *text, unsigned int number, void *arg, struct err *e)
{
	struct reader *r = arg;
	struct of_meter_mod *m;
	int status = of_parse_meter(text, r->command, &r->mods.arena, &m, e);

	if (!status)
		ofctl_mods_add(&r->mods, m, number);
	return status;
}

static int mods(const char *sw, uint16_t command, const char *text, const char *file,
		int (*read)(const char *text, unsigned int number, void *arg, struct err *e))
{
	struct reader r = { .command = command, .names_commands = file && command == OFPGC_ADD };
	struct err e = { "" };
	int status;

	r.conn = ofctl_connect(sw);
	ofctl_mods_init(&r.mods, file);
	if (file)
		ofctl_each_line(file, read, &r);
	else if (read(text, 0, &r, &e))
		ofctl_die("%s", e.text);
	status = r.mods.n ? ofctl_mods_send(&r.mods, r.conn, ofctl_options.bundle) : 0;
	ofctl_close(r.conn);
	return status;
}

static int one(int argc, char **argv, uint16_t command,
	       int (*read)(const char *text, unsigned int number, void *arg, struct err *e))
{
	const char *text = argc > 2 ? argv[2] : "";

	return strcmp(text, "-") ? mods(argv[1], command, text, NULL, read)
				 : mods(argv[1], command, NULL, "-", read);
}

int ofctl_add_group(int argc, char **argv)
{
	return one(argc, argv, OFPGC_ADD, read_group);
}

int ofctl_add_groups(int argc, char **argv)
{
	return mods(argv[1], OFPGC_ADD, NULL, argv[2], read_group);
}

int ofctl_mod_group(int argc, char **argv)
{
	return one(argc, argv, ofctl_options.may_create ? OFPGC_ADD_OR_MOD : OFPGC_MODIFY,
		   read_group);
}

int ofctl_del_groups(int argc, char **argv)
{
	return one(argc, argv, OFPGC_DELETE, read_group);
}

/* 1.5's commands, in the layout that carries them on 1.3. */
int ofctl_insert_buckets(int argc, char **argv)
{
	return one(argc, argv, OFPGC_INSERT_BUCKET, read_group);
}

int ofctl_remove_buckets(int argc, char **argv)
{
	return one(argc, argv, OFPGC_REMOVE_BUCKET, read_group);
}

int ofctl_add_meter(int argc, char **argv)
{
	return one(argc, argv, OFPMC_ADD, read_meter);
}

int ofctl_mod_meter(int argc, char **argv)
{
	return one(argc, argv, OFPMC_MODIFY, read_meter);
}

int ofctl_del_meters(int argc, char **argv)
{
	return one(argc, argv, OFPMC_DELETE, read_meter);
}
