package store

import (
	"sync"

	"github.com/aloft-cloud/aloft/internal/task"
)

// bells are who waits for which topic.
type bells struct {
	mu      sync.Mutex
	waiting map[string]map[task.Bell]struct{}
}

func (b *bells) init() { b.waiting = make(map[string]map[task.Bell]struct{}) }

// Watch returns a bell that rings after every durable transaction that
// notified topic, until stop is called. Several rings may be heard as one.
// Watch first, and look then: so nothing is missed.
func (db *DB) Watch(topic string) (bell task.Bell, stop func()) {
	b := &db.bells
	bell = task.NewBell()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting[topic] == nil {
		b.waiting[topic] = make(map[task.Bell]struct{})
	}
	b.waiting[topic][bell] = struct{}{}
	return bell, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.waiting[topic], bell)
		if len(b.waiting[topic]) == 0 {
			delete(b.waiting, topic)
		}
	}
}

func (b *bells) ring(topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for bell := range b.waiting[topic] {
		bell.Ring()
	}
}
