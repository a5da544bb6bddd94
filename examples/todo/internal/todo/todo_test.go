package todo_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"example.com/todo/internal/todo"
)

// memory keeps tasks in a map.
type memory map[string]todo.Task

func (m memory) All(context.Context) ([]todo.Task, error) {
	return slices.Collect(maps.Values(m)), nil
}

func (m memory) Get(_ context.Context, id string) (todo.Task, error) {
	t, ok := m[id]
	if !ok {
		return t, todo.ErrNotFound
	}
	return t, nil
}

func (m memory) Put(_ context.Context, t todo.Task) error {
	m[t.ID] = t
	return nil
}

func (m memory) SetTitle(ctx context.Context, id, title string) (todo.Task, error) {
	t, err := m.Get(ctx, id)
	if err == nil {
		t.Title = title
		m[id] = t
	}
	return t, err
}

func (m memory) SetDone(ctx context.Context, id string) (todo.Task, error) {
	t, err := m.Get(ctx, id)
	if err == nil {
		t.Done = true
		m[id] = t
	}
	return t, err
}

func (m memory) Delete(_ context.Context, id string) error {
	if _, ok := m[id]; !ok {
		return todo.ErrNotFound
	}
	delete(m, id)
	return nil
}

func TestList(t *testing.T) {
	ctx := t.Context()
	list := todo.NewList(memory{})
	milk, err := list.Add(ctx, "  buy milk ")
	if err != nil || milk.Title != "buy milk" || milk.Done {
		t.Fatalf("Add = %+v, %v", milk, err)
	}
	if _, err := list.Add(ctx, "read"); err != nil {
		t.Fatal(err)
	}
	all, err := list.All(ctx)
	if err != nil || len(all) != 2 || all[0].ID != milk.ID {
		t.Fatalf("All = %v, %v, want milk first", all, err)
	}
	if got, err := list.Complete(ctx, milk.ID); err != nil || !got.Done {
		t.Errorf("Complete = %+v, %v", got, err)
	}
	if got, err := list.Rename(ctx, milk.ID, "buy oat milk"); err != nil || got.Title != "buy oat milk" {
		t.Errorf("Rename = %+v, %v", got, err)
	}
	if err := list.Remove(ctx, milk.ID); err != nil {
		t.Error(err)
	}
	if _, err := list.Get(ctx, milk.ID); !errors.Is(err, todo.ErrNotFound) {
		t.Errorf("Get after Remove = %v, want ErrNotFound", err)
	}
}

func TestTitle(t *testing.T) {
	list := todo.NewList(memory{})
	for _, title := range []string{"", "   ", strings.Repeat("x", 201)} {
		if _, err := list.Add(t.Context(), title); !errors.Is(err, todo.ErrNoTitle) {
			t.Errorf("Add(%.10q…) = %v, want ErrNoTitle", title, err)
		}
	}
}
