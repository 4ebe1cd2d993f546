// Package netprior holds the prior of grey pictures that a network has learned: a U-Net that
// removes noise of any strength, trained by this module's own code on crops of photographs,
// occluding leaves cut out of them and random ellipse phantoms, all drawn as training goes.
//
// A Model is good for pictures of any size; Model.New makes the score.Denoiser of one size, with
// its Jacobian-vector products either way. Where the noise drowns all that the network can see
// at once, the denoiser of the stationary Gaussian law of the same pictures (prior.Gaussian),
// which sees the whole picture, takes over.
package netprior
