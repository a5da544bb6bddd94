// Package scheduler is EventBridge Scheduler: schedules that call an operation
// at their times, as a role.
//
// When a schedule is due next is a row. The transaction that takes it away
// sends the delivery and sets the next, so each time counts once, whoever runs
// and whatever crashes; times that passed while nobody ran are made up for, as
// long as their events are not too old.
//
//	service.go   the table      target.go  what a schedule calls
//	store.go     rows           group.go   groups and their tags
//	schedule.go  schedules      worker.go  schedules that are due
package scheduler
