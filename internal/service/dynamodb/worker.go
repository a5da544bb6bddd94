package dynamodb

import (
	"time"

	"github.com/aloft-cloud/aloft/internal/task"
)

func (s *Service) tasks() []task.Task {
	return []task.Task{
		{Name: "dynamodb/backfill", Run: s.fill, Bell: s.backfills},
		{Name: "dynamodb/transitions", Run: s.endTransitions, Bell: s.transitions},
		{Name: "dynamodb/lag", Run: s.catchUp, Bell: s.lagBell},
		{Name: "dynamodb/tokens", Run: s.forgetTokens},
		{Name: "dynamodb/streams", Run: s.trimStreams},
		{Name: "dynamodb/shards", Run: s.rollStreams, Bell: s.rolls},
		{Name: "dynamodb/history", Run: s.trimHistory},
		{Name: "dynamodb/transfer", Run: s.transfer, Bell: s.transfers},
		{Name: "dynamodb/kinesis", Run: s.tellAll, Bell: s.telling},
		{Name: "dynamodb/expiry", Run: s.expire, Bell: s.expiry},
	}
}

// idle is how long a task sleeps that only a bell gives something to do.
const idle = 24 * time.Hour
