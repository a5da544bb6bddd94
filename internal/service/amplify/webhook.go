package amplify

import (
	"context"
	"crypto/rand"
	"iter"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

func webhookARN(call *aws.Call, id string) aws.ARN { return call.ARN("amplify", webhookKind+id) }

func findWebhook(tx *store.Tx, arn aws.ARN) (api.Webhook, error) {
	w, err := webhooks.Get(tx, arn)
	return w, orNotFound(err, "Webhook %s not found.", strings.TrimPrefix(arn.Resource, webhookKind))
}

// CreateWebhook makes a webhook: its URL would have a repository built.
func (s *Service) CreateWebhook(ctx context.Context, call *aws.Call, in *api.CreateWebhookInput) (*api.CreateWebhookOutput, error) {
	id, now := aws.NewRequestID(), time.Now().UTC()
	arn := webhookARN(call, id)
	w := api.Webhook{
		WebhookArn: arn.String(), WebhookId: id, AppId: &in.AppId, BranchName: in.BranchName, Description: aws.Value(in.Description), CreateTime: now, UpdateTime: now,
		WebhookUrl: "https://webhooks.amplify." + call.Region + ".amazonaws.com/prod/webhooks?id=" + id + "&token=" + rand.Text() + "&operation=startbuild",
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findBranch(tx, appARN(call, in.AppId), in.BranchName); err != nil {
			return err
		}
		return webhooks.Put(tx, arn, w)
	})
	return &api.CreateWebhookOutput{Webhook: &w}, err
}

// GetWebhook returns a webhook.
func (s *Service) GetWebhook(ctx context.Context, call *aws.Call, in *api.GetWebhookInput) (*api.GetWebhookOutput, error) {
	var w api.Webhook
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		w, err = findWebhook(tx, webhookARN(call, in.WebhookId))
		return err
	})
	return &api.GetWebhookOutput{Webhook: &w}, err
}

// ListWebhooks lists the webhooks of an app.
func (s *Service) ListWebhooks(ctx context.Context, call *aws.Call, in *api.ListWebhooksInput) (*api.ListWebhooksOutput, error) {
	out := &api.ListWebhooksOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		if _, err := findApp(tx, appARN(call, in.AppId)); err != nil {
			return err
		}
		scan := func(after string) iter.Seq2[aws.ARN, api.Webhook] {
			return func(yield func(aws.ARN, api.Webhook) bool) {
				for arn, w := range webhooks.ScanAfter(tx, call.ARN("amplify", ""), webhookARN(call, after)) {
					if aws.Value(w.AppId) == in.AppId && !yield(arn, w) {
						return
					}
				}
			}
		}
		var err error
		out.Webhooks, out.NextToken, err = page(in.NextToken, in.MaxResults, scan, func(_ aws.ARN, w api.Webhook) (string, api.Webhook) { return w.WebhookId, w })
		return err
	})
	return out, err
}

// UpdateWebhook changes a webhook.
func (s *Service) UpdateWebhook(ctx context.Context, call *aws.Call, in *api.UpdateWebhookInput) (*api.UpdateWebhookOutput, error) {
	var w api.Webhook
	arn := webhookARN(call, in.WebhookId)
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if w, err = findWebhook(tx, arn); err != nil {
			return err
		}
		put(&w.BranchName, in.BranchName)
		put(&w.Description, in.Description)
		w.UpdateTime = time.Now().UTC()
		if _, err := findBranch(tx, appARN(call, aws.Value(w.AppId)), w.BranchName); err != nil {
			return err
		}
		return webhooks.Put(tx, arn, w)
	})
	return &api.UpdateWebhookOutput{Webhook: &w}, err
}

// DeleteWebhook deletes a webhook.
func (s *Service) DeleteWebhook(ctx context.Context, call *aws.Call, in *api.DeleteWebhookInput) (*api.DeleteWebhookOutput, error) {
	var w api.Webhook
	arn := webhookARN(call, in.WebhookId)
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if w, err = findWebhook(tx, arn); err != nil {
			return err
		}
		return webhooks.Delete(tx, arn)
	})
	return &api.DeleteWebhookOutput{Webhook: &w}, err
}
