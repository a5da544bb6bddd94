// Package todo is a to-do list: what a task is, and what may be done to it. It
// knows nothing of HTTP, of functions or of the cloud.
package todo

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"
)

// A Task is something to do.
type Task struct {
	ID      string    `json:"id" dynamodbav:"id"`
	Title   string    `json:"title" dynamodbav:"title"`
	Done    bool      `json:"done" dynamodbav:"done"`
	Created time.Time `json:"created" dynamodbav:"created"`
}

var (
	// ErrNotFound reports that no task has an id.
	ErrNotFound = errors.New("no such task")
	// ErrNoTitle reports that a title is empty, or over 200 characters.
	ErrNoTitle = errors.New("a task needs a title of 1 to 200 characters")
)

// A Store keeps tasks. All but Put refuse an unknown id with ErrNotFound.
type Store interface {
	All(ctx context.Context) ([]Task, error)
	Get(ctx context.Context, id string) (Task, error)
	Put(ctx context.Context, t Task) error
	SetTitle(ctx context.Context, id, title string) (Task, error)
	SetDone(ctx context.Context, id string) (Task, error)
	Delete(ctx context.Context, id string) error
}

// A List is a to-do list.
type List struct{ store Store }

// NewList returns the list that store keeps.
func NewList(store Store) *List { return &List{store} }

// All returns the tasks, oldest first.
func (l *List) All(ctx context.Context) ([]Task, error) {
	tasks, err := l.store.All(ctx)
	slices.SortFunc(tasks, func(a, b Task) int { return a.Created.Compare(b.Created) })
	return tasks, err
}

// Get returns a task.
func (l *List) Get(ctx context.Context, id string) (Task, error) { return l.store.Get(ctx, id) }

// Add makes a task of that title.
func (l *List) Add(ctx context.Context, title string) (Task, error) {
	title, err := checkTitle(title)
	if err != nil {
		return Task{}, err
	}
	t := Task{ID: strings.ToLower(rand.Text()), Title: title, Created: time.Now().UTC()}
	return t, l.store.Put(ctx, t)
}

// Rename gives a task another title.
func (l *List) Rename(ctx context.Context, id, title string) (Task, error) {
	title, err := checkTitle(title)
	if err != nil {
		return Task{}, err
	}
	return l.store.SetTitle(ctx, id, title)
}

// Complete marks a task as done.
func (l *List) Complete(ctx context.Context, id string) (Task, error) {
	return l.store.SetDone(ctx, id)
}

// Remove takes a task off the list.
func (l *List) Remove(ctx context.Context, id string) error { return l.store.Delete(ctx, id) }

func checkTitle(title string) (string, error) {
	title = strings.TrimSpace(title)
	if title == "" || len([]rune(title)) > 200 {
		return "", ErrNoTitle
	}
	return title, nil
}
