/*
 * Between the board and the journal: what the board has to tell becomes lines
 * on disk, and lines of an earlier run come back to the board.
 *
 * Main thread; the disk is the journal's own thread's.
 */
#ifndef PROXY_RECORDER_H
#define PROXY_RECORDER_H

struct board;
struct conf_journal;
struct err;
struct journal;
struct mailbox;
struct recorder;

/*
 * `mailbox` is the main thread's; both it and the board outlive the recorder.
 * NULL with `err`.  Without a path the record is kept in memory only.
 */
struct recorder *recorder_new(const struct conf_journal *conf,
    struct mailbox *mailbox, struct board *board, struct err *err);

/* What was told so far is written, if the disk lets it; NULL is fine. */
void recorder_stop(struct recorder *recorder);

/* When the mailbox is gone, which may hold lines that were read; NULL is fine.
 */
void recorder_free(struct recorder *recorder);

/* NULL: there is none. */
struct journal *recorder_journal(const struct recorder *recorder);

#endif
