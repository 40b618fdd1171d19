import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components/Button'

interface ButtonProps extends Omit<AriaButtonProps, 'className'> {
  look?: 'plain' | 'primary' | 'danger' | 'quiet'
}

export function Button({ look = 'plain', ...props }: ButtonProps) {
  return <AriaButton {...props} className={`button button-${look}`} />
}
