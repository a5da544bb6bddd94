package states

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/store"
)

func findMapRun(tx *store.Tx, arn aws.ARN, text string) (struct{}, error) {
	return struct{}{}, errAbsent("map runs")
}
func (s *Service) beginMap(k *keeper, strand *flow.Strand) error {
	return errAbsent("distributed maps")
}
func (s *Service) childEnded(tx *store.Tx, e *execution) error       { return nil }
func (s *Service) workMapRun(ctx context.Context, key workKey) error { return nil }
