package sns

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A Letter is mail, a text message or a push on its way out.
type Letter struct {
	Account, Region string
	Time            time.Time
	ID              string
	Protocol        string // email, email-json, sms, application
	To              string // an address, a number, or the token of a device
	From            string // ARN of the topic, or of the sender
	Platform        string `json:",omitempty"` // of the device
	Subject         string `json:",omitempty"`
	Body            string
	Message         []byte `json:",omitempty"` // all of it, if it came as MIME: From is an address then
}

type letterKey struct {
	Time time.Time
	ID   string
}

const (
	maxLetters  = 1000 // that are kept
	maxInbox    = 200  // that are shown at once
	lettersLast = 14 * 24 * time.Hour
)

// An inbox keeps letters for people to read.
type inbox struct{ db *store.DB }

func (b inbox) keep(ctx context.Context, l *Letter) error {
	return b.db.Update(ctx, func(tx *store.Tx) error {
		count := 0
		for key := range letters.ScanReverse(tx, letterKey{}) {
			if count++; count >= maxLetters || l.Time.Sub(key.Time) > lettersLast {
				if err := letters.Delete(tx, key); err != nil {
					return err
				}
			}
		}
		return letters.Put(tx, letterKey{l.Time, l.ID + l.To}, *l)
	})
}

// serveInbox shows the latest letters as JSON: all, or those to ?to=. In
// development everybody on this host may read them, else the root.
func (s *Service) serveInbox(w http.ResponseWriter, r *http.Request, call *aws.Call) {
	if !s.local && call.Principal.Kind != aws.Root {
		http.Error(w, `{"message":"The inbox is for the root of the account."}`, http.StatusForbidden)
		return
	}
	found := []Letter{}
	to := r.URL.Query().Get("to")
	err := s.db.View(r.Context(), func(tx *store.Tx) error {
		found = found[:0]
		for _, l := range letters.ScanReverse(tx, letterKey{}) {
			if (to == "" || l.To == to) && (s.local || l.Account == call.Account) {
				found = append(found, l)
			}
			if len(found) == maxInbox {
				break
			}
		}
		return tx.Err()
	})
	if err != nil {
		http.Error(w, `{"message":"The inbox cannot be read."}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"letters": found}) // an error is the client's absence
}
